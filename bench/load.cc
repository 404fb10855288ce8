// thorlog_load: makes numbered THOR lines in memory, then sends them over TCP or UDP as fast as it can, or at a rate.
// It prints one JSON object: what was sent, and when. thorlog_sink checks what arrives.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "numbered.h"

namespace thorlog::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string mode = "lf";
  std::uint64_t count = 1'000'000;
  std::uint32_t connections = 1;
  double rate = 0;
  std::uint32_t seed = 1;
  std::uint32_t hosts = 200;
  bool giants = true;
  std::size_t write_size = 256 << 10;
};

// All bytes of one connection, and where each message begins.
struct Stream {
  int fd = -1;
  std::string bytes;
  std::vector<std::size_t> starts;
  bool failed = false;

  std::size_t end_of(std::size_t message) const {
    return message + 1 < starts.size() ? starts[message + 1] : bytes.size();
  }
};

// The lines of a fleet: 200 hosts with one scan each; mostly findings of 300 to 600 bytes, one in twenty longer than
// THOR's own limit of 1500, and one in five hundred as long as an untruncated line gets.
class LineMaker {
 public:
  explicit LineMaker(const Options& options) : options_(options), dice_(options.seed) {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%b %e %H:%M:%S", &utc);
    stamp_ = text;
  }

  void make(std::string& line, Number id) {
    const std::uint32_t host = pick(options_.hosts);
    const std::size_t wanted = length();
    line = fmt::format("<190>{} srv{:04}.example.net/10.{}.{}.{} THOR: {}: MODULE: {} MESSAGE: {} SCANID: S-{:011}",
                       stamp_, host, host >> 16, host >> 8 & 255, host & 255, one_of(kLevels), one_of(kModules),
                       one_of(kMessages), host * 7919ULL + 1);
    line += fmt::format(" FILE: {}{:08x}.exe SCORE: {} SIZE: {}", one_of(kFolders), dice_(), 30 + pick(100),
                        pick(9'000'000));
    for (int reason = 1; line.size() + 60 + kLongestMark < wanted; ++reason) {
      line += fmt::format(" REASON_{}: YARA rule {}_{:x} SUBSCORE_{}: {}", reason, one_of(kRules), dice_(), reason,
                          pick(90));
    }
    put_mark(line, id);
  }

 private:
  static constexpr std::array kLevels{"Info", "Notice", "Notice", "Warning", "Alert"};
  static constexpr std::array kModules{"Filescan",  "Filescan", "Filescan", "ProcessCheck",
                                       "SHIMCache", "Registry", "LogScan"};
  static constexpr std::array kMessages{"Suspicious file found", "Malware name found in Shim Cache Entry",
                                        "Registry value matches suspicious pattern", "Listening process found"};
  static constexpr std::array kFolders{"C:\\Windows\\Temp\\", "C:\\Users\\anna\\AppData\\Local\\", "/var/tmp/.cache/",
                                       "D:\\data\\"};
  static constexpr std::array kRules{"SUSP_Encoded_Command", "HKTL_Memory_Dumper", "WEBSHELL_Tiny",
                                     "MAL_Loader_Generic"};

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(dice_()) % below; }
  template <class Array>
  const char* one_of(const Array& from) {
    return from[dice_() % from.size()];
  }

  std::size_t length() {
    const std::uint32_t dice = pick(1000);
    if (dice < 50) return 1500 + pick(500);
    if (options_.giants && dice < 52) return 10'000 + pick(50'000);
    return 280 + pick(170) + pick(170);
  }

  const Options& options_;
  std::mt19937 dice_;
  std::string stamp_;
};

std::vector<Stream> make_streams(const Options& options) {
  std::vector<Stream> streams(options.connections);
  LineMaker maker(options);
  std::string line;
  for (std::uint64_t n = 0; n < options.count; ++n) {
    const auto connection = static_cast<std::uint32_t>(n % options.connections);
    Stream& stream = streams[connection];
    maker.make(line, {connection, n / options.connections});
    stream.starts.push_back(stream.bytes.size());
    if (options.mode == "octet") stream.bytes += fmt::format("{} ", line.size());
    stream.bytes += line;
    if (options.mode == "lf") stream.bytes += '\n';
  }
  return streams;
}

int open_socket(const Options& options) {
  sockaddr_storage address{};
  socklen_t size = sizeof(sockaddr_in);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
  if (inet_pton(AF_INET, options.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(options.port);
  } else if (inet_pton(AF_INET6, options.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(options.port);
    size = sizeof(sockaddr_in6);
  } else {
    return -1;
  }
  const int fd = socket(address.ss_family, (options.mode == "udp" ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  if (options.mode == "udp") {
    const int buffer = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  }
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// In ticks of a millisecond, so that a rate is even without a system call for each message.
bool send_stream(Stream& stream, double rate, std::size_t write_size) {
  const std::string_view bytes = stream.bytes;
  if (rate <= 0) {
    for (std::size_t at = 0; at < bytes.size(); at += write_size) {
      if (!send_all(stream.fd, bytes.substr(at, write_size))) return false;
    }
    return true;
  }
  const auto begun = Clock::now();
  for (std::size_t next = 0; next < stream.starts.size();) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - begun).count();
    const std::size_t due = std::min(stream.starts.size(), static_cast<std::size_t>(elapsed * rate) + 1);
    if (due > next) {
      const std::size_t from = stream.starts[next];
      if (!send_all(stream.fd, bytes.substr(from, stream.end_of(due - 1) - from))) return false;
      next = due;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool send_datagrams(std::vector<Stream>& streams, std::uint64_t total, double rate) {
  constexpr std::size_t kBatch = 64;
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> parts{};
  std::vector<std::size_t> next(streams.size(), 0);
  const auto begun = Clock::now();
  std::size_t turn = 0;
  for (std::uint64_t sent = 0; sent < total;) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - begun).count();
    const std::uint64_t due = rate > 0 ? std::min(total, static_cast<std::uint64_t>(elapsed * rate) + 1) : total;
    while (sent < due) {
      Stream& stream = streams[turn];
      std::size_t& at = next[turn];
      turn = (turn + 1) % streams.size();
      unsigned count = 0;
      for (; count < kBatch && at + count < stream.starts.size() && count < due - sent; ++count) {
        const std::size_t begin = stream.starts[at + count];
        parts[count] = {stream.bytes.data() + begin, stream.end_of(at + count) - begin};
        headers[count].msg_hdr.msg_iov = &parts[count];
        headers[count].msg_hdr.msg_iovlen = 1;
      }
      for (unsigned done = 0; done < count;) {
        const int got = sendmmsg(stream.fd, headers.data() + done, count - done, 0);
        if (got < 0 && errno != EINTR && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED) return false;
        if (got > 0) done += static_cast<unsigned>(got);
      }
      at += count;
      sent += count;
    }
    if (sent < total) std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  return true;
}

bool send_everything(const Options& options, std::vector<Stream>& streams) {
  if (options.mode == "udp") return send_datagrams(streams, options.count, options.rate);
  std::vector<std::thread> threads;
  for (Stream& stream : streams) {
    threads.emplace_back([&stream, &options] {
      stream.failed = !send_stream(stream, options.rate / options.connections, options.write_size);
      shutdown(stream.fd, SHUT_WR);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return std::none_of(streams.begin(), streams.end(), [](const Stream& stream) { return stream.failed; });
}

// The receiver closes when it has read everything: only then is all of it taken.
bool wait_until_read(const std::vector<Stream>& streams) {
  for (const Stream& stream : streams) {
    pollfd wait{stream.fd, POLLIN, 0};
    char rest[64];
    if (poll(&wait, 1, 30'000) <= 0 || recv(stream.fd, rest, sizeof rest, MSG_DONTWAIT) > 0) return false;
  }
  return true;
}

int run(const Options& options) {
  signal(SIGPIPE, SIG_IGN);
  std::vector<Stream> streams = make_streams(options);
  std::size_t bytes = 0;
  for (Stream& stream : streams) {
    bytes += stream.bytes.size();
    stream.fd = open_socket(options);
    if (stream.fd < 0) {
      fmt::print(stderr, "thorlog_load: can't connect to {} port {}: {}\n", options.host, options.port,
                 strerror(errno));
      return 1;
    }
  }
  const auto begun = Clock::now();
  const bool sent = send_everything(options, streams);
  const double sending = std::chrono::duration<double>(Clock::now() - begun).count();
  const bool read = sent && (options.mode == "udp" || wait_until_read(streams));
  const double reading = std::chrono::duration<double>(Clock::now() - begun).count();
  fmt::print(
      "{{\"messages\":{},\"bytes\":{},\"connections\":{},\"sent_seconds\":{:.3f},\"read_seconds\":{:.3f},"
      "\"complete\":{}}}\n",
      options.count, bytes, options.connections, sending, reading, read);
  return read ? 0 : 1;
}

}  // namespace
}  // namespace thorlog::bench

int main(int argc, char** argv) {
  thorlog::bench::Options options;
  CLI::App app("Sends numbered THOR lines; thorlog_sink checks them.");
  app.add_option("--host", options.host, "IPv4 or IPv6 address")->capture_default_str();
  app.add_option("--port", options.port, "port of the daemon's input")->required();
  app.add_option("--mode", options.mode, "lf, octet or udp")
      ->check(CLI::IsMember({"lf", "octet", "udp"}))
      ->capture_default_str();
  app.add_option("--count", options.count, "messages in all")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--connections", options.connections, "connections, or UDP sockets")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "messages a second in all; 0: as fast as possible")->capture_default_str();
  app.add_option("--seed", options.seed, "the same seed gives the same lines, but for their stamp")
      ->capture_default_str();
  app.add_option("--hosts", options.hosts, "scanners, one scan each")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_flag("!--no-giants", options.giants, "no lines of 10 to 60 KB (UDP: needed for lines to fit)");
  CLI11_PARSE(app, argc, argv);
  return thorlog::bench::run(options);
}
