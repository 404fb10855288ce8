#include "outputs/stream_hosts.h"

#include <gtest/gtest.h>

#include <string>

namespace thorlog {
namespace {

// A line that names no host is known by its peer's address.
Record from(std::string_view peer, std::uint32_t stream, std::string_view host) {
  Record record;
  record.peer = peer;
  record.stream = stream;
  record.event.host = host;
  record.event.canonical_host = host.empty() ? peer.substr(0, peer.rfind(':')) : host;
  return record;
}

TEST(StreamHosts, ALineWithoutHostHasThatOfTheLineBeforeItOnItsStream) {
  StreamHosts hosts;
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:1", 7, "srv01")), "srv01");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:2", 8, "srv02")), "srv02");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:1", 7, "")), "srv01");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:2", 8, "")), "srv02");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:2", 8, "srv03")), "srv03");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:2", 8, "")), "srv03");
}

TEST(StreamHosts, AnAgentsOwnConnectionHasTheHostOfItsAddress) {
  StreamHosts hosts;
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:1", 1, "srv01")), "srv01");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:9", 2, "")), "srv01");
  EXPECT_EQ(hosts.host_of(from("10.0.0.8:9", 3, "")), "10.0.0.8") << "another address";
}

TEST(StreamHosts, ARelaysAddressIsNobodysName) {
  StreamHosts hosts;
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:1", 1, "srv01")), "srv01");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:1", 1, "srv02")), "srv02");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:9", 2, "")), "10.0.0.7");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:1", 1, "srv01")), "srv01");
  EXPECT_EQ(hosts.host_of(from("10.0.0.7:9", 2, "")), "10.0.0.7") << "and stays so";
}

TEST(StreamHosts, NothingIsTakenFromAnotherStreamInTheSamePlace) {
  StreamHosts hosts;
  EXPECT_EQ(hosts.host_of(from("a:1", 1, "srv01")), "srv01");
  EXPECT_EQ(hosts.host_of(from("b:1", 1 + 4096, "")), "b");
  EXPECT_EQ(hosts.host_of(from("b:1", 1 + 4096, "srv02")), "srv02");
  EXPECT_EQ(hosts.host_of(from("c:1", 1, "")), "c") << "it was pushed out";
  EXPECT_EQ(hosts.host_of(from("", 0, "")), "") << "a record of no stream and no peer";
}

TEST(StreamHosts, ANameThatIsTooLongIsNotCut) {
  StreamHosts hosts;
  const std::string name(60, 'a');
  EXPECT_EQ(hosts.host_of(from("a:1", 3, name)), name);
  EXPECT_EQ(hosts.host_of(from("a:1", 3, "")), "a");
}

}  // namespace
}  // namespace thorlog
