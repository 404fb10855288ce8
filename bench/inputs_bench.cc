// What an input costs beside the kernel's part: datagrams and lines that wait in the socket are read into an intake
// that only counts. The raw system calls over the same sockets are the floor.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "inputs/input.h"
#include "inputs/sockets.h"

namespace thorlog {
namespace {

class CountingIntake final : public Intake {
 public:
  Stream* open(const StreamInfo&) override { return nullptr; }
  void close(Stream*) override {}
  void offer(Stream*, const Frame& frame, std::int64_t, std::int64_t, bool) override {
    ++frames;
    bytes += frame.bytes.size();
  }
  void take(Stream*, const WholeRecord&) override {}
  bool has_room() const noexcept override { return true; }
  bool must_refuse(RefuseReason&) const noexcept override { return false; }
  void when_room(std::function<void()>) override {}
  InputBooks& books(std::size_t) override { return books_; }
  MemoryBudget& budget() override { return budget_; }

  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;

 private:
  InputBooks books_;
  MemoryBudget budget_{64 << 20};
};

InputSettings settings_for(InputType type) {
  InputSettings settings;
  settings.name = "bench";
  settings.type = type;
  settings.listen = {"127.0.0.1", 0, ""};
  return settings;
}

struct Running {
  explicit Running(InputType type) {
    const InputSettings settings = settings_for(type);
    input = *Input::open(settings, std::span(&settings, 1), 1);
    input->attach(0, context, 0);
    input->start(loop);
    const std::string listening = input->snapshot().listening;
    to = *to_socket_address(
        {"127.0.0.1", static_cast<std::uint16_t>(std::stoi(listening.substr(listening.rfind(':') + 1))), ""});
  }
  ~Running() {
    input->stop_accepting();
    bool gone = false;
    input->detach(0, [&] { gone = true; });
    while (!gone) turn();
  }
  void turn() { uv_run(loop.uv(), UV_RUN_NOWAIT); }

  SystemClock clock;
  Loop loop;
  CountingIntake intake;
  WorkerContext context{loop, intake, clock, {}};
  std::unique_ptr<Input> input;
  SocketAddress to;
};

constexpr std::uint64_t kDatagrams = 4096;
const std::string kLine(450, 'x');

void send_datagrams(int fd, const SocketAddress& to) {
  for (std::uint64_t i = 0; i < kDatagrams; ++i) ::sendto(fd, kLine.data(), kLine.size(), 0, to.raw(), to.length);
}

void datagrams(benchmark::State& state) {
  Running running(InputType::udp);
  const auto senders = static_cast<std::size_t>(state.range(0));
  std::vector<Fd> clients;
  for (std::size_t i = 0; i < senders; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_DGRAM, 0));
    SocketAddress own = *to_socket_address({"127.0.0." + std::to_string(i + 1), 0, ""});
    ::bind(clients.back().get(), own.raw(), own.length);
  }
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t i = 0; i < kDatagrams; ++i) {
      ::sendto(clients[i % senders].get(), kLine.data(), kLine.size(), 0, running.to.raw(), running.to.length);
    }
    const std::uint64_t all = running.intake.frames + kDatagrams;
    state.ResumeTiming();
    while (running.intake.frames < all) running.turn();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kDatagrams));
}
BENCHMARK(datagrams)->Name("inputs/udp_450/senders")->Arg(1)->Arg(64);

void datagrams_floor(benchmark::State& state) {
  constexpr std::size_t kBatch = 64;
  Fd server(::socket(AF_INET, SOCK_DGRAM, 0));
  set_option(server.get(), SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20);
  SocketAddress own = *to_socket_address({"127.0.0.1", 0, ""});
  ::bind(server.get(), own.raw(), own.length);
  const SocketAddress to = *local_address(server.get());
  Fd client(::socket(AF_INET, SOCK_DGRAM, 0));
  std::vector<char> memory(kBatch * 2048);
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_storage, kBatch> from{};
  for (auto _ : state) {
    state.PauseTiming();
    send_datagrams(client.get(), to);
    state.ResumeTiming();
    for (std::uint64_t left = kDatagrams; left > 0;) {
      for (std::size_t i = 0; i < kBatch; ++i) {
        parts[i] = {memory.data() + i * 2048, 2048};
        messages[i].msg_hdr = {&from[i], sizeof from[i], &parts[i], 1, nullptr, 0, 0};
      }
      const int n = ::recvmmsg(server.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (n > 0) left -= static_cast<std::uint64_t>(n);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kDatagrams));
}
BENCHMARK(datagrams_floor)->Name("inputs/udp_450_floor");

// One write of the client, one read of ours: `range` lines of 450 bytes.
void lines(benchmark::State& state) {
  Running running(InputType::tcp);
  Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ::connect(client.get(), running.to.raw(), running.to.length);
  const auto count = static_cast<std::uint64_t>(state.range(0));
  std::string bytes;
  for (std::uint64_t i = 0; i < count; ++i) bytes += kLine.substr(1) + "\n";
  for (auto _ : state) {
    state.PauseTiming();
    const std::uint64_t all = running.intake.frames + count;
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t n = ::send(client.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT);
      if (n > 0) sent += static_cast<std::size_t>(n);
      if (n < 0) running.turn();
    }
    state.ResumeTiming();
    while (running.intake.frames < all) running.turn();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * count));
}
BENCHMARK(lines)->Name("inputs/tcp_450/lines")->Arg(1)->Arg(100)->Arg(2000);

}  // namespace
}  // namespace thorlog
