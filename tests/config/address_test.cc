#include "config/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace thorlog {
namespace {

AddressBytes bytes_of(const char* text) {
  AddressBytes bytes{};
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    EXPECT_TRUE(address_bytes(reinterpret_cast<const sockaddr&>(v4), bytes));
    return bytes;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
  EXPECT_TRUE(address_bytes(reinterpret_cast<const sockaddr&>(v6), bytes));
  return bytes;
}

TEST(ListenAddress, IsAnIpAddressWithPortOrAPassedSocket) {
  for (const char* text :
       {"0.0.0.0:514", "[::]:514", "127.0.0.1:65535", "[::1]:1", "[2001:db8::1]:6514", "systemd:syslog"}) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address) << address.error().doing;
    EXPECT_EQ(address->text(), text);
    EXPECT_TRUE(address->is_set());
  }
  EXPECT_TRUE(parse_listen_address("[::1]:514")->is_ipv6());
  EXPECT_FALSE(parse_listen_address("0.0.0.0:514")->is_ipv6());
  EXPECT_TRUE(parse_listen_address("systemd:a.b")->is_passed());
}

TEST(ListenAddress, RefusesEverythingElse) {
  for (const char* text : {"",
                           ":514",
                           "514",
                           "0.0.0.0",
                           "0.0.0.0:",
                           "0.0.0.0:0",
                           "0.0.0.0:65536",
                           "0.0.0.0:-1",
                           "0.0.0.0:5x",
                           "localhost:514",
                           "::1:514",
                           "[::1]",
                           "[::1]514",
                           "[::1:514",
                           "[127.0.0.1]:514",
                           "[]:514",
                           "256.0.0.1:514",
                           "1.2.3:514",
                           "systemd:",
                           "systemd:a:b",
                           "systemd:a b",
                           "tcp://0.0.0.0:514",
                           "0.0.0.0:99999999999999999999",
                           "[::1%lo]:514"})
    EXPECT_FALSE(parse_listen_address(text)) << text;
  EXPECT_FALSE(parse_listen_address(std::string(100'000, '[')));
}

TEST(ListenAddress, KnowsLoopback) {
  EXPECT_TRUE(parse_listen_address("127.0.0.1:80")->is_loopback());
  EXPECT_TRUE(parse_listen_address("127.9.9.9:80")->is_loopback());
  EXPECT_TRUE(parse_listen_address("[::1]:80")->is_loopback());
  EXPECT_TRUE(parse_listen_address("[::ffff:127.0.0.1]:80")->is_loopback());
  for (const char* text : {"0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[::2]:80", "systemd:x"})
    EXPECT_FALSE(parse_listen_address(text)->is_loopback()) << text;
}

TEST(TargetAddress, IsATransportAHostAndAPort) {
  for (const char* text : {"tcp://h:514", "udp://[::1]:514", "tls://collector.example.com:6514",
                           "relp://10.0.0.1:20514", "relps://a-b_c:1"}) {
    const auto address = parse_target_address(text);
    ASSERT_TRUE(address) << address.error().doing;
    EXPECT_EQ(address->text(), text);
  }
  const auto address = parse_target_address("udp://[2001:db8::1]:514");
  EXPECT_EQ(address->transport, Transport::udp);
  EXPECT_EQ(address->host, "2001:db8::1");
  EXPECT_EQ(address->port, 514);
}

TEST(TargetAddress, RefusesEverythingElse) {
  for (const char* text : {"", "h:514", "tcp:h:514", "TCP://h:514", "http://h:514", "tcp://", "tcp://h",
                           "tcp://h:", "tcp://:514", "tcp://h:0", "tcp://h:514/", "tcp://::1:514", "tcp://[h]:514",
                           "tcp://h h:514", "tcp://-h:514", "tcp://a..b:514", "tcp://user@h:514", "tcp://h\n:514"})
    EXPECT_FALSE(parse_target_address(text)) << text;
}

TEST(AddressRange, HoldsWhatItsPrefixSays) {
  const auto ten = parse_address_range("10.0.0.0/8");
  ASSERT_TRUE(ten);
  EXPECT_TRUE(ten->contains(bytes_of("10.255.1.2")));
  EXPECT_TRUE(ten->contains(bytes_of("::ffff:10.1.2.3"))) << "an IPv4 peer on an IPv6 socket";
  EXPECT_FALSE(ten->contains(bytes_of("11.0.0.1")));
  EXPECT_FALSE(ten->contains(bytes_of("::a00:1")));
  const auto odd = parse_address_range("192.168.4.0/22");
  EXPECT_TRUE(odd->contains(bytes_of("192.168.7.255")));
  EXPECT_FALSE(odd->contains(bytes_of("192.168.8.0")));
  EXPECT_TRUE(parse_address_range("0.0.0.0/0")->contains(bytes_of("203.0.113.9")));
  EXPECT_FALSE(parse_address_range("0.0.0.0/0")->contains(bytes_of("2001:db8::1")));
  EXPECT_TRUE(parse_address_range("::/0")->contains(bytes_of("203.0.113.9")));
  EXPECT_TRUE(parse_address_range("2001:db8::/33")->contains(bytes_of("2001:db8:7fff::1")));
  EXPECT_FALSE(parse_address_range("2001:db8::/33")->contains(bytes_of("2001:db8:8000::1")));
  EXPECT_TRUE(parse_address_range("::1")->contains(bytes_of("::1")));
  EXPECT_FALSE(parse_address_range("::1")->contains(bytes_of("::2")));
}

TEST(AddressRange, IsWrittenAsItIsRead) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "::1", "2001:db8::/32", "::/0"})
    EXPECT_EQ(parse_address_range(text)->text(), text);
}

TEST(AddressRange, RefusesWhatIsNoneAndWhatIsASlip) {
  for (const char* text : {"", "h", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8",
                           "10.1.2.3/8", "2001:db8::1/32", "[::1]", "10.0.0.1:514"})
    EXPECT_FALSE(parse_address_range(text)) << text;
}

TEST(AddressBytes, AreOfInternetPeersOnly) {
  sockaddr from{};
  from.sa_family = AF_UNIX;
  AddressBytes bytes{};
  EXPECT_FALSE(address_bytes(from, bytes));
}

}  // namespace
}  // namespace thorlog
