// systemd passes sockets from descriptor 3 on and names them in the environment (sd_listen_fds(3)); a child plays
// that.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "clients.h"
#include "fake_intake.h"
#include "inputs/passed_sockets.h"

namespace thorlog {
namespace {

Fd bound(int type) {
  const SocketAddress address = at("127.0.0.1", 0);
  Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), address.raw(), address.length), 0);
  EXPECT_TRUE(type != SOCK_STREAM || ::listen(fd.get(), 10) == 0);
  return fd;
}

// Runs `check` in a child that got these sockets; true when it returned true.
bool with_passed(const std::vector<int>& sockets, const char* names, bool (*check)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<int> high;  // out of the way of 3 and up
    for (const int fd : sockets) high.push_back(::fcntl(fd, F_DUPFD, 100));
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names, 1);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

InputSettings passed(InputType type, const std::string& name) {
  InputSettings settings;
  settings.name = "test";
  settings.type = type;
  settings.listen.passed = name;
  return settings;
}

bool tcp_takes_lines() {
  Bench bench(2);
  auto input = bench.open(passed(InputType::tcp, "lines"));
  if (!input) return false;
  bench.start(**input);
  const std::uint16_t port = local_address(4)->port();
  Client client(SOCK_STREAM, "127.0.0.1", port);
  client.send("hello\n");
  const bool got = bench.run_until([&] { return bench.received() == 1; });
  return bench.stop(**input) && got;
}

bool udp_takes_both_of_its_name() {
  Bench bench(3);
  auto input = bench.open(passed(InputType::udp, "datagrams"));
  if (!input) return false;
  bench.start(**input);
  for (const int fd : {3, 5}) {
    Client client(SOCK_DGRAM, "127.0.0.1", local_address(fd)->port());
    client.send_datagram("hello");
  }
  const bool got = bench.run_until([&] { return bench.received() == 2; });
  const bool stopped = bench.stop(**input);
  // It may come back on a reload: nothing of ours may have stayed on the socket.
  auto again = bench.open(passed(InputType::udp, "datagrams"));
  if (!again) return false;
  bench.start(**again);
  Client client(SOCK_DGRAM, "127.0.0.1", local_address(3)->port());
  client.send_datagram("again");
  const bool got_again = bench.run_until([&] { return bench.received() == 3; });
  return bench.stop(**again) && got && stopped && got_again;
}

bool refuses_wrong_ones() {
  return !passed_sockets("nobody", SOCK_STREAM) && !passed_sockets("datagrams", SOCK_STREAM) &&
         !passed_sockets("lines", SOCK_DGRAM);
}

TEST(PassedSockets, AreFoundByNameAndUsedAsTheyCome) {
  const Fd first = bound(SOCK_DGRAM);
  const Fd lines = bound(SOCK_STREAM);
  const Fd second = bound(SOCK_DGRAM);
  const std::vector<int> sockets = {first.get(), lines.get(), second.get()};
  EXPECT_TRUE(with_passed(sockets, "datagrams:lines:datagrams", tcp_takes_lines));
  EXPECT_TRUE(with_passed(sockets, "datagrams:lines:datagrams", udp_takes_both_of_its_name));
  EXPECT_TRUE(with_passed(sockets, "datagrams:lines:datagrams", refuses_wrong_ones));
}

TEST(PassedSockets, AreMissingWhenSystemdPassedNone) {
  ::unsetenv("LISTEN_FDS");
  auto none = passed_sockets("lines", SOCK_STREAM);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message().find("lines"), std::string::npos);
}

}  // namespace
}  // namespace thorlog
