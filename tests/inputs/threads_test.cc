// The inputs as the daemon uses them: each worker on a thread of its own, the acceptor on another, reloads and
// snapshots in between. The thread sanitizer's test.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "clients.h"
#include "fake_intake.h"

namespace thorlog {
namespace {

class WorkerThread {
 public:
  WorkerThread() : tasks_(loop_, [](std::function<void()>&& task) { task(); }), thread_([this] { loop_.run(); }) {}
  ~WorkerThread() {
    post([this] { loop_.stop(); });
    thread_.join();
  }

  void post(std::function<void()> task) { tasks_.post(std::move(task)); }
  void run(const std::function<void()>& task) {
    std::promise<void> done;
    post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  Loop loop_;
  SystemClock clock;
  FakeIntake intake;
  WorkerContext context{loop_, intake, clock, {}};

 private:
  Mailbox<std::function<void()>> tasks_;
  std::thread thread_;
};

class Daemon {
 public:
  Daemon(const InputSettings& settings, std::size_t workers) : workers_(workers) {
    for (auto& worker : workers_) worker = std::make_unique<WorkerThread>();
    auto opened = Input::open(settings, std::span(&settings, 1), workers);
    EXPECT_TRUE(opened);
    input = *std::move(opened);
    for (std::size_t i = 0; i < workers; ++i) {
      workers_[i]->run([&] { input->attach(i, workers_[i]->context, 0); });
    }
    acceptor_.run([&] { input->start(acceptor_.loop_); });
  }

  void update(const InputSettings& settings) {
    acceptor_.run([&] { input->update(settings); });
  }
  void stop() {
    acceptor_.run([&] { input->stop_accepting(); });
    std::vector<std::promise<void>> gone(workers_.size());
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->post([&, i] { input->detach(i, [&gone, i] { gone[i].set_value(); }); });
    }
    for (auto& one : gone) one.get_future().wait();
    input.reset();
  }
  std::uint64_t received() {
    std::uint64_t sum = 0;
    for (auto& worker : workers_) worker->run([&] { sum += worker->intake.books(0).received; });
    return sum;
  }

  std::unique_ptr<Input> input;

 private:
  std::vector<std::unique_ptr<WorkerThread>> workers_;
  WorkerThread acceptor_;
};

void send_from_threads(int threads, const std::function<void(int)>& send) {
  std::vector<std::thread> senders;
  for (int i = 0; i < threads; ++i) senders.emplace_back(send, i);
  for (std::thread& sender : senders) sender.join();
}

TEST(Threads, TcpLinesAllArriveWhileReloadsAndSnapshotsGoOn) {
  constexpr int kSenders = 4;
  constexpr int kConnections = 20;
  constexpr int kLines = 200;
  const InputSettings settings = input_on(InputType::tcp, "0.0.0.0");
  Daemon daemon(settings, 2);
  const std::uint16_t port = port_of(*daemon.input);
  std::atomic<bool> done{false};
  std::thread reloads([&] {
    while (!done) {
      daemon.update(settings);
      EXPECT_LE(daemon.input->snapshot().connections, static_cast<std::uint64_t>(kSenders));
    }
  });
  send_from_threads(kSenders, [&](int sender) {
    for (int i = 0; i < kConnections; ++i) {
      // The next connection comes when this one's end was seen, so that the count above has a limit.
      Client client(SOCK_STREAM, "127.0.0.1", port, "127.0.0." + std::to_string(sender + 1));
      for (int k = 0; k < kLines; ++k) ASSERT_TRUE(client.send("a line of sender " + std::to_string(sender) + "\n"));
      client.finish();
      char byte = 0;
      EXPECT_EQ(::recv(client.fd(), &byte, 1, 0), 0) << "ended by the input only after all was read";
    }
  });
  done = true;
  reloads.join();
  EXPECT_EQ(daemon.received(), static_cast<std::uint64_t>(kSenders * kConnections * kLines));
  daemon.stop();
}

TEST(Threads, DatagramsAllArriveOrAreCounted) {
  constexpr int kSenders = 4;
  constexpr int kDatagrams = 2000;
  InputSettings settings = input_on(InputType::udp, "0.0.0.0");
  Daemon daemon(settings, 2);
  const std::uint16_t port = port_of(*daemon.input);
  std::atomic<bool> done{false};
  std::thread reloads([&] {
    while (!done) daemon.update(settings);
  });
  send_from_threads(kSenders, [&](int sender) {
    Client client(SOCK_DGRAM, "127.0.0.1", port, "127.0.0." + std::to_string(sender + 1));
    for (int k = 0; k < kDatagrams; ++k) ASSERT_TRUE(client.send_datagram("a line"));
  });
  done = true;
  reloads.join();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::uint64_t seen = 0;
  while (seen < kSenders * kDatagrams && std::chrono::steady_clock::now() < end) {
    seen = daemon.received() + daemon.input->snapshot().kernel_drops;
  }
  EXPECT_EQ(seen, static_cast<std::uint64_t>(kSenders * kDatagrams));
  daemon.stop();
}

TEST(Threads, AStopInTheMiddleOfEverythingEndsCleanly) {
  for (const InputType type : {InputType::tcp, InputType::udp}) {
    const InputSettings settings = input_on(type, "0.0.0.0");
    Daemon daemon(settings, 2);
    const std::uint16_t port = port_of(*daemon.input);
    std::atomic<bool> stopped{false};
    std::atomic<int> busy{0};
    std::thread stopper([&] {
      while (busy < 3) std::this_thread::yield();
      daemon.stop();
      stopped = true;
    });
    send_from_threads(3, [&](int) {
      ++busy;
      while (!stopped) {
        Client client(type == InputType::tcp ? SOCK_STREAM : SOCK_DGRAM, "127.0.0.1", port);
        for (int i = 0; i < 100 && client.connected(); ++i) client.send("a line\n");
      }
    });
    stopper.join();
  }
}

}  // namespace
}  // namespace thorlog
