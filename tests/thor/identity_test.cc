#include "thorlog/identity.h"

#include <gtest/gtest.h>

#include "thor/host_name.h"
#include "thor/keys.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

std::shared_ptr<const AssetTable> assets(std::string_view csv) {
  auto table = AssetTable::parse(csv, "assets.csv");
  EXPECT_TRUE(table.has_value()) << table.error().doing;
  return *table;
}
std::string asset_fault(std::string_view csv) {
  auto table = AssetTable::parse(csv, "assets.csv");
  return table ? "" : table.error().doing;
}

TEST(AssetTable, FindsByHostThenFullNameThenAddress) {
  const auto table =
      assets("asset_id,hostname,fqdn,ip\nA1,Server44,server44.local.net,10.0.0.1\nA2,,other.local.net,10.0.0.2\n");
  EXPECT_EQ(table->find("server44", "", ""), "A1");
  EXPECT_EQ(table->find("x", "SERVER44.local.net", ""), "A1");
  EXPECT_EQ(table->find("other", "Other.Local.Net", ""), "A2");
  EXPECT_EQ(table->find("x", "x", "10.0.0.2"), "A2");
  EXPECT_EQ(table->find("10.0.0.2", "", ""), "A2") << "a line without a host has its peer for one";
  EXPECT_EQ(table->find("x", "x.y", "10.0.0.3"), "");
  EXPECT_EQ(table->find("", "", ""), "");
}

TEST(AssetTable, TakesColumnsInAnyOrderWithQuotesAndBlankLines) {
  const auto table =
      assets("\xEF\xBB\xBFip, Hostname ,asset_id\r\n\r\n10.0.0.1,\"h,1\",\"the \"\"big\"\"\nasset\"\r\n");
  EXPECT_EQ(table->find("h,1", "", ""), "the \"big\"\nasset");
}

TEST(AssetTable, AsksTheFullNameWhereTwoDomainsShareAShortOne) {
  const auto table = assets("asset_id,hostname,fqdn\nA1,dc,dc.a.net\nA2,dc,dc.b.net\n");
  EXPECT_EQ(table->find("dc", "dc.b.net", ""), "A2");
  EXPECT_EQ(table->find("dc", "dc.a.net", ""), "A1");
  EXPECT_EQ(table->find("dc", "dc", ""), "");
}

TEST(AssetTable, SaysWhereItIsWrong) {
  EXPECT_EQ(asset_fault(""), "assets.csv:1:1: empty: the first line must name the columns");
  EXPECT_EQ(asset_fault("asset_id,host\n"), "assets.csv:1:10: unknown column 'host'");
  EXPECT_EQ(asset_fault("asset_id\n"), "assets.csv:1:1: column 'hostname' is missing");
  EXPECT_EQ(asset_fault("asset_id,hostname,hostname\n"), "assets.csv:1:19: column 'hostname' twice");
  EXPECT_EQ(asset_fault("asset_id,hostname\nA,b\nA,b,c\n"), "assets.csv:3:1: 3 fields where the header has 2");
  EXPECT_EQ(asset_fault("asset_id,hostname\nA,b\"c\n"), "assets.csv:2:4: a quote inside a field without quotes");
  EXPECT_EQ(asset_fault("asset_id,hostname\nA,\"bc\n"), "assets.csv:2:3: a quote that is not closed");
  EXPECT_EQ(asset_fault("asset_id,hostname\nA,\"b\"c\n"), "assets.csv:2:6: text behind a closing quote");
  EXPECT_EQ(asset_fault("asset_id,hostname\n,b\n"), "assets.csv:2:1: an asset_id is empty");
  EXPECT_EQ(asset_fault("asset_id,hostname\nA,b\nB,b\n"), "assets.csv:3:3: hostname 'b' belongs to two assets");
}

TEST(GroupTable, PrefersTheMapThenTheLongestPrefix) {
  auto parsed = GroupTable::parse("scan_id,group_id\nIR-2026-x,special\n", "groups.csv");
  ASSERT_TRUE(parsed.has_value());
  GroupTable groups = **parsed;
  groups.set_prefixes({{"IR-", "all"}, {"IR-2026-", "incident-2026"}});
  EXPECT_EQ(groups.find("IR-2026-x"), "special");
  EXPECT_EQ(groups.find("IR-2026-y"), "incident-2026");
  EXPECT_EQ(groups.find("IR-2025-y"), "all");
  EXPECT_EQ(groups.find("S-1"), "");
  EXPECT_EQ(groups.find(""), "");
}

TEST(GroupTable, RefusesAScanInTwoGroups) {
  auto parsed = GroupTable::parse("scan_id,group_id\na,b\na,c\n", "groups.csv");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().doing, "groups.csv:3:1: scan_id 'a' belongs to two groups");
}

TEST(HostName, IsShortAndInLowerCaseButForAddresses) {
  HostBuffer buffer;
  const auto canonical = [&](std::string_view host, bool shorten = true) {
    return std::string(canonical_host(host, shorten, buffer));
  };
  EXPECT_EQ(canonical("Server44.Local.Net"), "server44");
  EXPECT_EQ(canonical("Server44.Local.Net", false), "server44.local.net");
  EXPECT_EQ(canonical("10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(canonical("10host.x"), "10host");
  EXPECT_EQ(canonical("FE80::1"), "fe80::1");
  EXPECT_EQ(canonical("::ffff:10.1.2.3"), "::ffff:10.1.2.3");
  EXPECT_EQ(canonical(".x"), ".x");
  EXPECT_EQ(canonical(""), "");
  EXPECT_EQ(canonical("A-RATHER-LONG-NAME-OF-MORE-THAN-SIXTEEN.X.Y"), "a-rather-long-name-of-more-than-sixteen");
  EXPECT_EQ(canonical(std::string(400, 'X')), std::string(255, 'x'));
  EXPECT_EQ(canonical("GR\xC3\x9CN"), "gr\xC3\x9Cn") << "only ASCII has a lower case that all agree on";
}

TEST(ThorKeys, HaveNumbersAndRelations) {
  for (const char* key :
       {"FILE", "REASON_1", "REASON_13", "SIGTYPE_2", "PARENT_FILE", "ARCHIVE_FILE_2", "HANDLEID", "TLD", "SCANID"})
    EXPECT_TRUE(is_thor_key(key)) << key;
  for (const char* key : {"", "IN", "S1", "THOR", "FILES_", "_", "_FILE2X"}) EXPECT_FALSE(is_thor_key(key)) << key;
}

TEST(TimeZone, IsMadeFromNamesAndOffsets) {
  for (const char* name : {"UTC", "+02:00", "-0530", "Europe/Berlin", "Etc/UTC", "Asia/Kolkata"})
    EXPECT_NE(TimeZone::make(name), nullptr) << name;
  for (const char* name : {"", "Mars/Olympus", "+2", "+25:00", "+02:60", "../../etc/passwd"})
    EXPECT_EQ(TimeZone::make(name), nullptr) << name;
  constexpr std::int64_t kHour = 3'600'000'000'000;
  EXPECT_EQ(TimeZone::make("+02:00")->to_utc(0), -2 * kHour);
  EXPECT_EQ(TimeZone::make("-05:30")->to_utc(0), 5 * kHour + kHour / 2);
}

TEST(EventNames, AreTheContracts) {
  EXPECT_EQ(name_of(Kind::syslog), "syslog");
  EXPECT_EQ(name_of(Kind::life), "life");
  EXPECT_EQ(name_of(Format::json3), "json3");
  EXPECT_EQ(name_of(Format::none), "");
  EXPECT_EQ(name_of(Level::alert), "alert");
  EXPECT_EQ(name_of(Level::none), "");
  EXPECT_EQ(name_of(static_cast<Kind>(200)), "");
  EXPECT_EQ(flag_name(0), "joined");
  EXPECT_EQ(flag_name(7), "lossy_possible");
  EXPECT_EQ(flag_name(15), "clock_skew");
  EXPECT_EQ(flag_name(-1), "");
  EXPECT_EQ(flag_name(flag::count), "");
}

}  // namespace
}  // namespace thorlog
