#include "wire/relp.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace thorlog {
namespace {

struct Seen {
  std::uint32_t txnr;
  RelpCommand command;
  std::string data;
  bool first, last;
  std::size_t total;
  bool operator==(const Seen&) const = default;
};

// Reads what is fed in chunks of this size; each chunk lies alone in memory, with what may be read behind it.
std::vector<Seen> read_all(std::string_view bytes, std::size_t chunk, std::size_t max_data = 1 << 20,
                           std::string* error = nullptr) {
  RelpReader reader(max_data);
  std::vector<Seen> all;
  for (std::size_t at = 0; at < bytes.size(); at += chunk) {
    const std::string piece(bytes.substr(at, chunk));
    const std::string padded = piece + std::string(kReadAhead, '#');
    reader.feed(std::string_view(padded).substr(0, piece.size()));
    RelpFrame frame;
    RelpReader::Step step;
    while ((step = reader.next(frame)) == RelpReader::Step::frame) {
      all.push_back({frame.txnr, frame.command, std::string(frame.data), frame.first, frame.last, frame.total});
    }
    if (step == RelpReader::Step::broken) {
      if (error != nullptr) *error = reader.error();
      return all;
    }
  }
  return all;
}

std::string written(std::uint32_t txnr, std::string_view command, std::string_view data) {
  ByteBuffer to;
  append_relp(txnr, command, data, to);
  return std::string(to.view());
}

TEST(Relp, ReadsWhatASenderSaysHoweverItIsCut) {
  const std::string bytes = "1 open 46 relp_version=0\nrelp_software=x\ncommands=syslog" +
                            std::string("\n2 syslog 12 <13>a\nb 3 rs\n3 syslog 1 x\n4 close 0\n0 serverclose 0 \n");
  const std::string offers = bytes.substr(10, 46);
  const std::vector<Seen> wanted = {{1, RelpCommand::open, offers, true, true, 46},
                                    {2, RelpCommand::syslog, "<13>a\nb 3 rs", true, true, 12},
                                    {3, RelpCommand::syslog, "x", true, true, 1},
                                    {4, RelpCommand::close, "", true, true, 0},
                                    {0, RelpCommand::serverclose, "", true, true, 0}};
  for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) EXPECT_EQ(read_all(bytes, chunk), wanted) << chunk;
}

TEST(Relp, LongDataComesInPieces) {
  const std::string bytes = written(7, "syslog", "abcdefgh") + written(8, "syslog", "ijkl");
  for (std::size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
    const std::vector<Seen> wanted = {{7, RelpCommand::syslog, "abc", true, false, 8},
                                      {7, RelpCommand::syslog, "def", false, false, 8},
                                      {7, RelpCommand::syslog, "gh", false, true, 8},
                                      {8, RelpCommand::syslog, "ijk", true, false, 4},
                                      {8, RelpCommand::syslog, "l", false, true, 4}};
    EXPECT_EQ(read_all(bytes, chunk, 3), wanted) << chunk;
  }
}

TEST(Relp, WhatIsNoRelpEndsTheStream) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"<13>Oct 8 hello\n", "a frame begins with no transaction number"},
      {"x syslog 1 a\n", "a frame begins with no transaction number"},
      {"-1 syslog 1 a\n", "a frame begins with no transaction number"},
      {"1000000000 syslog 1 a\n", "a frame begins with no transaction number"},
      {"1 sys-log 1 a\n", "a frame's command is no word"},
      {"1  1 a\n", "a frame's command is no word"},
      {"1 syslog -1 a\n", "a frame's length is no number"},
      {"1 syslog 9999999999 a\n", "a frame's length is no number"},
      {"1 syslog \n", "a frame's length is no number"},
      {"\n", "a frame begins with no transaction number"},
      {"1 syslog 5\nabcde\n", "a frame ended before its data"},
      {"1 syslog 2 abc\n", "a frame does not end where it says"},
      {"1 close 0 x\n", "a frame does not end where it says"},
      {"1 " + std::string(200, 'a'), "a frame's header is too long"}};
  for (const auto& [bytes, why] : wrong) {
    for (const std::size_t chunk : {std::size_t{1}, bytes.size()}) {
      std::string error;
      read_all(bytes, chunk, 100, &error);
      EXPECT_EQ(error, why) << bytes;
    }
  }
}

TEST(Relp, AnUnknownCommandIsAFrame) {
  EXPECT_EQ(read_all("5 starttls 0\n", 99), (std::vector<Seen>{{5, RelpCommand::other, "", true, true, 0}}));
}

TEST(Relp, AnIdleReaderKeepsNothing) {
  RelpReader reader(100);
  RelpFrame frame;
  const std::string bytes = "1 syslog 30 aaaaaaaaaaaaaaaaaaaaaaaaa" + std::string(kReadAhead, '#');
  reader.feed(std::string_view(bytes).substr(0, bytes.size() - kReadAhead));
  EXPECT_EQ(reader.next(frame), RelpReader::Step::more);
  EXPECT_TRUE(reader.unfinished());
  EXPECT_GT(reader.held(), 24U);
  const std::string rest = "bbbbb\n" + std::string(kReadAhead, '#');
  reader.feed(std::string_view(rest).substr(0, 6));
  ASSERT_EQ(reader.next(frame), RelpReader::Step::frame);
  EXPECT_EQ(frame.data, std::string(25, 'a') + "bbbbb");
  EXPECT_EQ(reader.next(frame), RelpReader::Step::more);
  EXPECT_FALSE(reader.unfinished());
  EXPECT_LT(reader.held(), 24U);
}

TEST(Relp, NumbersGoRound) {
  EXPECT_EQ(next_relp_txnr(1), 2U);
  EXPECT_EQ(next_relp_txnr(kMaxRelpTxnr), 1U) << "0 is for what is said unasked";
}

TEST(Relp, WritesFrames) {
  EXPECT_EQ(written(12, "syslog", "<13>a\nb"), "12 syslog 7 <13>a\nb\n");
  EXPECT_EQ(written(kMaxRelpTxnr, "close", ""), "999999999 close 0\n");
  ByteBuffer to;
  append_relp_response(3, 200, "OK", {}, to);
  append_relp_response(1, 200, "OK", "relp_version=0", to);
  EXPECT_EQ(to.view(), "3 rsp 6 200 OK\n1 rsp 21 200 OK\nrelp_version=0\n");
}

TEST(Relp, ReadsResponses) {
  RelpResponse response;
  ASSERT_TRUE(read_relp_response("200 OK\nrelp_version=0\ncommands=syslog", response));
  EXPECT_EQ(response.code, 200U);
  EXPECT_EQ(response.text, "OK");
  EXPECT_EQ(response.more, "relp_version=0\ncommands=syslog");
  ASSERT_TRUE(read_relp_response("500 no room", response));
  EXPECT_EQ(response.code, 500U);
  EXPECT_EQ(response.text, "no room");
  ASSERT_TRUE(read_relp_response("", response)) << "librelp's answer to close";
  EXPECT_EQ(response.code, 200U);
  EXPECT_FALSE(read_relp_response("OK", response));
}

TEST(Relp, ReadsOffers) {
  RelpOffers offers;
  ASSERT_TRUE(
      read_relp_offers("relp_version=1\nrelp_software=librelp,1.11.0,http://x\ncommands=auth,syslog", offers));
  EXPECT_EQ(offers.version, 1U);
  EXPECT_TRUE(offers.syslog);
  EXPECT_EQ(offers.software, "librelp,1.11.0,http://x");
  ASSERT_TRUE(read_relp_offers("commands=syslogs,eventlog\nrelp_version=0\n", offers));
  EXPECT_FALSE(offers.syslog);
  EXPECT_FALSE(read_relp_offers("commands=syslog", offers));
  ASSERT_TRUE(read_relp_offers(relp_offers(), offers));
  EXPECT_TRUE(offers.syslog);
}

}  // namespace
}  // namespace thorlog
