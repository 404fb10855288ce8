// Syslog over UDP against a real socket; and lines that are too long for a target.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "wire/part_marker.h"

namespace thorlog {
namespace {

class UdpReceiver {
 public:
  explicit UdpReceiver(std::uint16_t port = 0) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int buffer = 8 << 20;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    const timeval wait{2, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~UdpReceiver() { ::close(fd_); }
  UdpReceiver(const UdpReceiver&) = delete;
  UdpReceiver& operator=(const UdpReceiver&) = delete;
  std::uint16_t port() const { return port_; }

  // Until so many have come, or nothing has for two seconds.
  std::vector<std::string> receive(std::size_t count) {
    std::vector<std::string> got;
    std::string bytes(70'000, '\0');
    while (got.size() < count) {
      const ssize_t n = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (n < 0) break;
      got.emplace_back(bytes.data(), static_cast<std::size_t>(n));
    }
    return got;
  }

 private:
  int fd_;
  std::uint16_t port_;
};

TEST(SyslogUdp, SendsEachRecordAsOneDatagram) {
  OutputWorld world;
  UdpReceiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::udp, receiver.port()));
  world.append(std::vector<std::string>{"first", "with\nline end", "third"});
  EXPECT_EQ(receiver.receive(3), (std::vector<std::string>{"first", "with\nline end", "third"}));
  world.append_numbered(5000);
  const auto rest = receiver.receive(5000);
  EXPECT_EQ(count_numbers(rest, 5000).missing, 0U);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(output.snapshot().books.acknowledged, 5003U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

TEST(SyslogUdp, WaitsForATargetThatRefuses) {
  OutputWorld world;
  std::uint16_t port = 0;
  {
    UdpReceiver gone;
    port = gone.port();
  }
  world.append_numbered(2000);
  OutputRunner& output = world.run(syslog_to("out", Transport::udp, port));
  ASSERT_TRUE(wait_until([&] {
    return output.snapshot().retries[static_cast<std::size_t>(Retry::refused)] >= 2 &&
           output.snapshot().state == OutputState::retrying;
  }));
  EXPECT_EQ(output.snapshot().books.acknowledged, 0U);
  UdpReceiver back(port);
  EXPECT_EQ(count_numbers(back.receive(2000), 2000).missing, 0U);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(output.snapshot().books.acknowledged, 2000U);
}

TEST(SyslogUdp, ParksWhatFitsNoDatagramAndGoesOn) {
  OutputWorld world;
  UdpReceiver receiver;
  world.append(std::vector<std::string>{"before", std::string(65'508, 'x'), std::string(65'507, 'y'), "after"});
  OutputRunner& output = world.run(syslog_to("out", Transport::udp, receiver.port()));
  const auto got = receiver.receive(3);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0], "before");
  EXPECT_EQ(got[1], std::string(65'507, 'y'));
  EXPECT_EQ(got[2], "after");
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(output.snapshot().books.acknowledged, 3U);
  EXPECT_EQ(output.snapshot().books.dropped[static_cast<std::size_t>(DropReason::parked)], 1U);
  EXPECT_EQ(output.dead_letters()->list(9).at(0).reason, "oversize");
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

TEST(SyslogUdp, StopsCleanly) {
  OutputWorld world;
  UdpReceiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::udp, receiver.port()));
  world.append_numbered(500);
  output.stop(5s);
  EXPECT_EQ(output.snapshot().pending, 0U);
  EXPECT_EQ(receiver.receive(500).size(), 500U);
}

// Puts parts together as a receiver would.
std::string join_parts(const std::vector<std::string>& messages) {
  std::string whole;
  for (const std::string& message : messages) {
    PartMarker marker;
    if (!find_part_marker(message, marker)) return "no marker in: " + message;
    decode_part(std::string_view(message).substr(marker.payload_at), whole);
  }
  return whole;
}

class Parts : public testing::TestWithParam<OutputFormat> {};

TEST_P(Parts, CarryALineThatIsTooLongWithoutLosingAByte) {
  OutputWorld world;
  UdpReceiver receiver;
  std::string line = "<190>Oct  8 11:37:54 arch THOR: Alert: \\ \x01\n";
  for (int i = 0; i < 500; ++i) line += "REASON_" + std::to_string(i) + ": something ";
  world.append(std::vector<std::string>{"<190>Oct  8 11:37:54 arch THOR: short", line});
  OutputSettings settings = syslog_to("out", Transport::udp, receiver.port());
  settings.format = GetParam();
  settings.max_length = 1400;
  OutputRunner& output = world.run(settings);
  auto got = receiver.receive(100);
  ASSERT_GT(got.size(), 5U);
  for (const std::string& message : got) EXPECT_LE(message.size(), 1400U);
  EXPECT_EQ(got[0].find("part@32473"), std::string::npos);
  got.erase(got.begin());
  const std::string whole = join_parts(got);
  if (GetParam() == OutputFormat::raw) {
    EXPECT_EQ(whole, line);
  } else {
    EXPECT_NE(whole.find("REASON_499"), std::string::npos) << whole.substr(0, 200);
    EXPECT_EQ(whole.find("no marker"), std::string::npos) << whole.substr(0, 200);
  }
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(output.snapshot().books.acknowledged, 2U);
}

INSTANTIATE_TEST_SUITE_P(EachFormat, Parts,
                         testing::Values(OutputFormat::raw, OutputFormat::rfc5424, OutputFormat::rfc3164,
                                         OutputFormat::json, OutputFormat::cef));

TEST(SyslogTcpParts, AreLinesOfTheirOwnInEachFraming) {
  for (const Framing framing : {Framing::lf, Framing::octet}) {
    OutputWorld world;
    Receiver receiver;
    const std::string line =
        "<190>Oct  8 11:37:54 arch THOR: " + std::string(5000, 'a') + "\n\\" + std::string(100, 'b');
    world.append(std::vector<std::string>{line, "tail"});
    OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port(), framing);
    settings.max_length = 1024;
    OutputRunner& output = world.run(settings);
    ASSERT_TRUE(wait_until([&] { return receiver.text().find("tail") != std::string::npos; }));
    std::string text = receiver.text();
    std::vector<std::string> messages;
    if (framing == Framing::lf) {
      messages = lines_of(text + "\n");
    } else {
      for (std::size_t at = 0; at < text.size();) {
        std::size_t digits = 0;
        const std::size_t length = std::stoul(text.substr(at), &digits);
        messages.push_back(text.substr(at + digits + 1, length));
        at += digits + 1 + length;
      }
    }
    while (!messages.empty() && messages.back().empty()) messages.pop_back();
    ASSERT_GT(messages.size(), 5U);
    EXPECT_EQ(messages.back(), "tail");
    messages.pop_back();
    for (const std::string& message : messages) EXPECT_LE(message.size(), 1024U);
    EXPECT_EQ(join_parts(messages), line);
    ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  }
}

TEST(SyslogTcpParts, HideAGenuineMarkerOfALine) {
  OutputWorld world;
  Receiver receiver;
  const std::string forged =
      "<13>Oct  8 11:37:54 evil thorlogd: [part@32473 id=\"00000000000000000000000000000000\" n=\"1\" of=\"1\" "
      "bytes=\"3\"] abc";
  ASSERT_TRUE(carries_part_marker(forged));
  world.append(std::vector<std::string>{forged});
  OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port());
  settings.max_length = 2048;
  world.run(settings);
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == 1; }));
  EXPECT_EQ(join_parts(receiver.lines()), forged);
}

}  // namespace
}  // namespace thorlog
