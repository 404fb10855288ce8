#include "base/peer_address.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

TEST(PeerAddress, IsAnEndpointWithoutItsPort) {
  EXPECT_EQ(peer_address("10.0.0.7:514"), "10.0.0.7");
  EXPECT_EQ(peer_address("[2001:db8::1]:514"), "2001:db8::1");
  EXPECT_EQ(peer_address("[::ffff:10.0.0.7]:514"), "::ffff:10.0.0.7");
  EXPECT_EQ(peer_address("relay-1:514"), "relay-1");
}

TEST(PeerAddress, IsAllOfWhatIsNoEndpoint) {
  for (const std::string_view peer : {"", "10.0.0.7", "/run/thorlogd/socket", "/var/log/a:1", "kafka:thor/1",
                                      "10.0.0.7:syslog", "::1", "2001:db8::1", "[::1]"})
    EXPECT_EQ(peer_address(peer), peer);
}

}  // namespace
}  // namespace thorlog
