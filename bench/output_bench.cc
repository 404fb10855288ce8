// A whole output at work: journal, match, format, socket or file. The figure is the CPU time of the output's own
// thread for a line of 570 bytes, kernel included; the receiver on the other side is not counted.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "journal/journal.h"
#include "outputs/runner.h"

namespace thorlog {
namespace {

constexpr std::size_t kLines = 400'000;
constexpr std::size_t kAhead = 20'000;  // of the output, while the lines come in live: they are still in memory

// Takes whatever comes and throws it away inside the kernel.
class Drain {
 public:
  Drain() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 1) != 0)
      std::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      const int fd = ::accept(listener_, nullptr, nullptr);
      while (::recv(fd, nullptr, 1U << 20, MSG_TRUNC) > 0) {
      }
      ::close(fd);
    });
  }
  ~Drain() {
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// CPU time of the thread with this name, from the kernel's books.
double thread_seconds(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string comm;
    std::getline(std::ifstream(entry.path() / "comm"), comm);
    if (comm != name) continue;
    double nanoseconds = 0;
    std::ifstream(entry.path() / "schedstat") >> nanoseconds;
    return nanoseconds * 1e-9;
  }
  return 0;
}

Record thor_record(std::string& line) {
  line = "<14>Oct  8 13:47:09 wks10021 THOR: Info: MODULE: ProcessCheck MESSAGE: Checking process ";
  while (line.size() < 560) line += "KEY: value of it ";
  line.resize(570, 'x');
  Record record;
  Event& event = record.event;
  event.raw = line;
  event.kind = Kind::thor;
  event.format = Format::text;
  event.level = Level::info;
  event.priority = 14;
  const std::string_view raw = line;
  event.host = event.canonical_host = raw.substr(raw.find("wks"), 8);
  event.app_name = raw.substr(raw.find("THOR"), 4);
  event.module = raw.substr(raw.find("ProcessCheck"), 12);
  event.message = raw.substr(raw.find("Checking"), 16);
  event.scan_id = "S-Rooa61RfuuM";
  event.timestamp = 1'759'931'229'000'000'000;
  record.peer = "10.1.2.3:51234";
  record.input = 1;
  record.stream = 7;
  return record;
}

enum class Pace : std::uint8_t { live, backlog };

void run(benchmark::State& state, Pace pace, const std::function<void(OutputSettings&, const std::string&)>& set_up) {
  for (auto _ : state) {
    std::string folder = "/tmp/thorlog-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    {
      SystemClock clock;
      JournalOptions options;
      options.folder = folder + "/state/journal";
      auto journal = Journal::open(real_file_system(), clock, options);
      if (!journal) std::abort();
      OutputSettings settings;
      settings.name = "bench";
      settings.start = StartAt::oldest;
      MatchEntry entry;
      entry.wanted.kinds = 0x1F;
      settings.match = {entry};
      set_up(settings, folder);
      auto output = OutputRunner::open(
          settings,
          {**journal, real_file_system(), clock, folder + "/state/cursors", folder + "/state", {}, Durability::os});
      if (!output) std::abort();
      (*journal)->on_progress([&] { (*output)->wake(); });
      const auto done = [&] { return (*output)->snapshot().latency.total(); };
      const auto wait_for = [&](std::size_t lines) {
        while (done() < lines) std::this_thread::sleep_for(std::chrono::microseconds(200));
      };
      std::string line;
      Record record = thor_record(line);
      const auto began = std::chrono::steady_clock::now();
      if (pace == Pace::live) (*output)->start();
      for (std::size_t i = 0; i < kLines;) {
        BatchRef batch = Batch::make(256U << 10, (*journal)->checksum_seed());
        record.received = clock.wall();
        record.frame = static_cast<std::uint32_t>(i);
        while (i < kLines && batch->add(record)) ++i;
        if (!(*journal)->append({&batch, 1})) std::abort();
        if (pace == Pace::live && i > kAhead) wait_for(i - kAhead);
      }
      if (pace == Pace::backlog) (*output)->start();
      wait_for(kLines);
      const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
      const double cpu = thread_seconds("out bench");
      (*output)->stop(std::chrono::seconds(5));
      state.SetIterationTime(cpu);
      state.counters["cpu_ns_per_line"] = cpu * 1e9 / static_cast<double>(kLines);
      state.counters["lines_per_s"] = static_cast<double>(kLines) / wall;
    }
    std::filesystem::remove_all(folder);
  }
}

void to_tcp(benchmark::State& state, Pace pace, OutputFormat format, Framing framing) {
  Drain* drain = nullptr;
  std::vector<std::unique_ptr<Drain>> drains;  // they end when their connection does
  run(state, pace, [&](OutputSettings& settings, const std::string&) {
    drains.push_back(std::make_unique<Drain>());
    drain = drains.back().get();
    settings.type = OutputType::syslog;
    settings.format = format;
    settings.framing = framing;
    settings.addresses = {{Transport::tcp, "127.0.0.1", drain->port()}};
  });
}

void to_file(benchmark::State& state, OutputFormat format, const std::string& name) {
  run(state, Pace::live, [&](OutputSettings& settings, const std::string& folder) {
    settings.type = OutputType::file;
    settings.format = format;
    settings.path = folder + "/out/" + name;
  });
}

BENCHMARK_CAPTURE(to_tcp, raw_lf, Pace::live, OutputFormat::raw, Framing::lf)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_tcp, raw_octet, Pace::live, OutputFormat::raw, Framing::octet)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_tcp, rfc5424_lf, Pace::live, OutputFormat::rfc5424, Framing::lf)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_tcp, json_octet, Pace::live, OutputFormat::json, Framing::octet)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_tcp, raw_lf_backlog, Pace::backlog, OutputFormat::raw, Framing::lf)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_file, raw, OutputFormat::raw, "all.log")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_file, json, OutputFormat::json, "all.log")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(to_file, raw_by_asset_and_date, OutputFormat::raw, "{asset}/{date}.log")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace thorlog
