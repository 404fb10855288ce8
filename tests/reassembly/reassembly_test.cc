// Budget, order, time and books: what no single scenario shows.
#include "thorlog/reassembly.h"

#include <algorithm>
#include <random>

#include "fragment_file.h"
#include "harness.h"
#include "wire/part_marker.h"

namespace thorlog {
namespace {

std::string head_of(const std::string& host, std::size_t size, int n = 0) {
  std::string line =
      "<190>Oct  8 11:37:54 " + host + "/10.0.0.1 THOR: Warning: MODULE: A MESSAGE: " + std::to_string(n) + " ";
  line.resize(size, 'x');
  return line;
}

StreamOptions from(std::string_view address) {
  StreamOptions options;
  options.peer_address = address;
  return options;
}

TEST(Reassembly, LinesThatCannotHaveBeenCutNeverWait) {
  std::mt19937 dice(3);
  Harness harness;
  auto* stream = harness.open();
  std::size_t offered = 0;
  const auto goes_at_once = [&](const std::string& line) {
    harness.offer(stream, line);
    ++offered;
    ASSERT_EQ(harness.lines.size(), offered) << line.substr(0, 200);
    ASSERT_EQ(harness.lines.back().raw, line);
    ASSERT_EQ(harness.reassembler().next_due(), kNoTime);
  };
  for (int n = 0; n < 4000; ++n) {
    std::size_t size = 80 + dice() % (n % 10 == 0 ? 70'000 : 2'000);
    for (const std::size_t cut : {8096U, 8192U, 16384U, 32768U, 65536U})
      if (size + 1 >= cut && size <= cut + 1) size -= 5;
    goes_at_once(head_of("h" + std::to_string(dice() % 90), size, n));
    goes_at_once(R"({"type":"THOR message","a":[")" + std::string(dice() % 9000, 'x') + R"("]})");
    goes_at_once("<30>Oct  8 11:37:54 web" + std::to_string(dice() % 9) + " sshd[1]: x");
    goes_at_once("some text " + std::to_string(n));
  }
}

TEST(Reassembly, TheSinkSeesBooksThatBalance) {
  struct Checker : LineSink {
    void on_line(const Line& line) override {
      ++emitted;
      joined += line.frames - 1;
      EXPECT_EQ(reassembler->counters().joined, joined);
      EXPECT_EQ(reassembler->held(static_cast<Reassembler::Stream*>(stream)), reassembler->counters().held);
      // The frame that is being offered is booked before or while its line leaves.
      EXPECT_LE(offered, emitted + joined + reassembler->counters().held);
    }
    Reassembler* reassembler = nullptr;
    Reassembler::Stream* stream = nullptr;
    std::uint64_t offered = 0, emitted = 0, joined = 0;
  };
  MemoryBudget budget(1U << 20);
  Reassembler reassembler({}, budget);
  Checker sink;
  sink.reassembler = &reassembler;
  sink.stream = reassembler.open_stream(from("10.0.0.1"));
  const std::string head = head_of("a", 8096) + std::string(kReadAhead, ' ');
  for (int n = 0; n < 10; ++n) {
    Frame frame;
    frame.bytes = std::string_view(head).substr(0, n % 3 == 2 ? 100U : 8096U);
    reassembler.offer(sink.stream, frame, n, Harness::kStart, false, sink);
    ++sink.offered;
  }
  reassembler.close_stream(sink.stream, sink);
  EXPECT_EQ(sink.offered, sink.emitted + sink.joined);
}

TEST(Reassembly, KeepsTheOrderOfEachHost) {
  std::mt19937 dice(5);
  Harness harness;
  auto* stream = harness.open();
  std::map<std::string, std::vector<std::string>> offered;
  for (int n = 0; n < 3000; ++n) {
    const std::string host = "h" + std::to_string(dice() % 8);
    const std::string line = head_of(host, dice() % 4 == 0 ? 8096 : 100 + dice() % 500, n);
    offered[host].push_back(line);
    harness.offer(stream, line);
    if (dice() % 5 == 0) harness.advance(static_cast<std::int64_t>(dice() % 1500));
  }
  harness.close(stream);
  std::map<std::string, std::vector<std::string>> got;
  for (const Got& line : harness.lines) got[line.raw.substr(21, 2)].push_back(line.raw);
  EXPECT_EQ(got, offered);
}

TEST(Reassembly, WhoOpensTenThousandHeadsEvictsOnlyHisOwn) {
  const std::size_t limit = 4U << 20;
  Harness harness({}, limit);
  int honest = 0, greedy = 0;
  StreamOptions options = from("10.0.0.1");
  options.owner = &honest;
  auto* quiet = harness.open(options);
  harness.offer(quiet, head_of("quiet", 8096));

  // Ten thousand hosts on a hundred connections of one peer.
  std::vector<Reassembler::Stream*> streams;
  options = from("10.6.6.6");
  options.owner = &greedy;
  for (int n = 0; n < 100; ++n) streams.push_back(harness.open(options));
  for (int n = 0; n < 10'000; ++n) {
    harness.offer(streams[static_cast<std::size_t>(n) % 100], head_of("evil" + std::to_string(n), 8096, n));
    ASSERT_LE(harness.budget().used(), limit / 4 + 16'384) << "more than a quarter for one peer";
  }
  EXPECT_GT(harness.reassembler().counters().evicted, 9'000U);
  for (const Got& line : harness.lines) ASSERT_EQ(line.owner, &greedy);

  harness.offer(quiet, "tail of the quiet one");
  ASSERT_EQ(harness.lines.back().owner, &honest);
  EXPECT_EQ(harness.lines.back().parts, 2U);
}

TEST(Reassembly, WhenTheBudgetIsFullTheGreediestGivesWay) {
  Harness harness({}, 1U << 20);
  int peers[8] = {};
  for (int n = 0; n < 8; ++n) {
    const std::string address = "10.0.0." + std::to_string(n);
    StreamOptions options = from(address);
    options.owner = &peers[n];
    auto* stream = harness.open(options);
    // Seven peers hold much, together more than there is, the last one little.
    for (int host = 0; host < (n < 7 ? 14 : 1); ++host)
      harness.offer(stream, head_of("h" + std::to_string(host), 16'384, host));
  }
  EXPECT_LE(harness.budget().used(), harness.budget().limit());
  EXPECT_GT(harness.reassembler().counters().evicted, 0U);
  for (const Got& line : harness.lines) EXPECT_NE(line.owner, &peers[7]);
}

TEST(Reassembly, ManyInventedHostsCostNoMoreThanTheBudget) {
  Harness harness({}, 1U << 20);
  auto* stream = harness.open();
  for (int n = 0; n < 30'000; ++n) harness.offer(stream, head_of("h" + std::to_string(n), 120, n));
  EXPECT_LE(harness.budget().used(), 64U * 1024U);
}

TEST(Reassembly, ALineThatNeverEndsLeavesWhenItIsTooLong) {
  ReassemblyOptions options;
  options.max_message = 100'000;
  Harness harness(options);
  auto* stream = harness.open();
  harness.offer(stream, R"({"type":"THOR finding","a":")");
  for (int n = 0; n < 30; ++n) harness.offer(stream, std::string(5'000, 'x'));
  ASSERT_FALSE(harness.lines.empty());
  EXPECT_LE(harness.lines[0].raw.size(), options.max_message);
  EXPECT_EQ(names_of(harness.lines[0].flags), "joined incomplete oversize lossy_possible");
  EXPECT_TRUE(harness.lines[0].cut);
}

TEST(Reassembly, WithoutRoomAHeadLeavesAtOnce) {
  Harness harness({}, 16'384);
  auto* stream = harness.open();
  harness.offer(stream, head_of("a", 8096));
  ASSERT_EQ(harness.lines.size(), 1U);
  EXPECT_EQ(names_of(harness.lines[0].flags), "lossy_possible");
  EXPECT_TRUE(harness.lines[0].cut);
}

TEST(Reassembly, OversizePiecesAreRecordsOfTheirOwn) {
  Harness harness;
  auto* stream = harness.open();
  StreamFramer framer(Framing::lf, 1000);
  const std::string quoted = "<190>Oct  8 11:37:54 victim/10.6.6.6 THOR: Alert: MODULE: X MESSAGE: forged";
  harness.feed(stream, framer,
               head_of("a", 1000) + quoted + std::string(1500, 'y') + "\n" + head_of("a", 200) + "\n");
  ASSERT_EQ(harness.lines.size(), 4U);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(names_of(harness.lines[static_cast<std::size_t>(n)].flags), "oversize");
  EXPECT_EQ(harness.lines[0].rule, StartRule::s1);
  EXPECT_EQ(harness.lines[1].rule, StartRule::none) << "text at the break of a piece begins no line";
  EXPECT_EQ(harness.lines[3].flags, 0U);
}

TEST(Reassembly, TimersCostTheSameWhateverIsOpen) {
  Harness harness({}, 1U << 30);
  std::vector<Reassembler::Stream*> streams;
  for (int n = 0; n < 2'000; ++n) {
    streams.push_back(harness.open(from("10.0." + std::to_string(n / 250) + "." + std::to_string(n % 250))));
    if (n % 4 == 0) harness.offer(streams.back(), head_of("a", 8096));
    if (n % 100 == 0) harness.advance(10);
  }
  EXPECT_EQ(harness.reassembler().counters().held, 500U);
  const auto first = harness.reassembler().next_due();
  EXPECT_LE(first, harness.now() + 2'000 * Harness::kMs);
  harness.advance(3'000);
  EXPECT_EQ(harness.lines.size(), 500U);
  EXPECT_TRUE(std::is_sorted(harness.lines.begin(), harness.lines.end(),
                             [](const Got& a, const Got& b) { return a.at < b.at; }));
}

TEST(Reassembly, HostileFramesNeverUpsetTheBooks) {
  std::mt19937 dice(9);
  const std::vector<std::string> beginnings = {
      "<190>Oct  8 11:37:54 a/10.0.0.1 THOR: Info: MODULE: x ",
      "<13>Nov 21 16:45:50 10.0.0.1 ",
      "<13>Nov 21 16:45:50 ",
      "{\"type\":\"THOR ",
      "<13>Nov 21 16:45:50 10.0.0.1  {\"type\":\"THOR ",
      "Oct  8 11:37:54 b/10.0.0.2 THOR: Info: ",
      "",
      "<30>Oct  8 11:37:54 web sshd[1]: ",
      "2025/02/12 14:24:34 ASGARD_GENERIC: Info: {\"",
      "]}",
      "\"",
      "<190>1 2026-03-02T08:00:00Z h THOR 1 - [part@32473 id=\"1\" n=\"1\" of=\"3\"] ",
      "<190>1 2026-03-02T08:00:00Z h THOR 1 - [part@32473 id=\"1\" n=\"2\" of=\"3\"] ",
      "<190>Oct  8 11:37:54 h thorlogd: [part@32473 id=\"1\" n=\"1\" of=\"2\" bytes=\"5\"] "};
  ReassemblyOptions options;
  options.cut_sizes = {100, 150};
  options.max_message = 2'000;
  Harness harness(options, 40'000);
  std::vector<Reassembler::Stream*> streams;
  const std::string alphabet = " {}[]\"\\x:0\n";
  for (int n = 0; n < 12'000; ++n) {
    if (streams.size() < 6 || dice() % 300 == 0) {
      StreamOptions one = from(dice() % 2 != 0 ? "10.0.0.1" : "10.0.0.2");
      one.trusted = dice() % 2 == 0;
      one.datagrams = dice() % 4 == 0;
      one.split = dice() % 2 == 0;
      streams.push_back(harness.open(one));
    }
    if (streams.size() > 12) {
      harness.close(streams.front());
      streams.erase(streams.begin());
    }
    std::string line = beginnings[dice() % beginnings.size()];
    const std::size_t sizes[] = {100, 100, 150, 99, 101, 120, 8096};
    const std::size_t size = std::max(line.size() + 1, sizes[dice() % std::size(sizes)]);
    while (line.size() < size) line += alphabet[dice() % alphabet.size()];
    Frame frame;
    frame.flags = dice() % 50 == 0 ? flag::unterminated : dice() % 50 == 0 ? flag::oversize : 0;
    frame.declared_length = dice() % 20 == 0 ? line.size() + dice() % 50 : 0;
    frame.counted = dice() % 30 == 0;
    frame.continues = dice() % 60 == 0;
    for (unsigned times = dice() % 10 == 0 ? 3 : 1; times > 0; --times)
      harness.offer(streams[dice() % streams.size()], line, frame, dice() % 2 == 0);
    if (dice() % 20 == 0) harness.advance(static_cast<std::int64_t>(dice() % 700));
  }
}

// Numbered parts

PartSplitter::Id id_of(unsigned n) {
  PartSplitter::Id id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(n >> (i % 4 * 8));
  return id;
}

std::string any_bytes(std::mt19937& dice, std::size_t size) {
  std::string raw;
  for (std::size_t n = 0; n < size; ++n)
    raw += dice() % 3 == 0 ? static_cast<char>(dice()) : " \\ab]\"\n"[dice() % 7];
  return raw;
}

TEST(NumberedParts, GiveAnyBytesBackWhateverRelaysDoToTheirHeaders) {
  std::mt19937 dice(13);
  Harness harness;
  StreamOptions options = from("10.0.0.9");
  options.trusted = true;
  auto* stream = harness.open(options);
  const std::string headers[] = {"<190>Oct  8 11:37:54 arch ", "<190>1 2026-03-02T08:00:00Z arch THOR 7 - "};
  for (unsigned n = 0; n < 300; ++n) {
    const bool bsd = n % 2 == 0;
    const std::string raw = any_bytes(dice, 1 + dice() % 6'000);
    std::vector<std::string> parts;
    ASSERT_TRUE(split_into_parts(headers[n % 2], raw, 400 + dice() % 600, id_of(n),
                                 [&](std::string_view part) { parts.emplace_back(part); }));
    harness.lines.clear();
    std::shuffle(parts.begin(), parts.end(), dice);
    for (std::string& part : parts) {
      if (bsd && n % 4 == 0) part.insert(21, "10.0.0.7 ");                         // rsyslog put the sender in
      if (bsd && n % 6 == 0) part.replace(5, 15, "Nov 21 16:45:50");               // syslog-ng wrote its own stamp
      if (!bsd && n % 5 == 0) part.insert(part.find("[part"), "[x@1 a=\"\\]\"]");  // another element
      harness.offer(stream, part);
      harness.offer(stream, head_of("b", 90));
    }
    ASSERT_EQ(harness.lines.size(), parts.size() + 1);
    const auto joined = std::find_if(harness.lines.begin(), harness.lines.end(),
                                     [&](const Got& line) { return line.frames == parts.size() && line.raw == raw; });
    ASSERT_NE(joined, harness.lines.end()) << harness.text();
    ASSERT_EQ(names_of(joined->flags), parts.size() > 1 ? "joined" : "");
  }
}

TEST(NumberedParts, AMebibyteTravelsThroughALimitOfOneKilobyte) {
  std::mt19937 dice(17);
  Harness harness;
  StreamOptions options = from("10.0.0.9");
  options.trusted = true;
  auto* stream = harness.open(options);
  std::string raw = R"(<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: {"type":"THOR finding","a":")";
  while (raw.size() < (1U << 20)) raw += "C:/Windows/Temp/a.exe \xC3\xA4 ";
  raw += "\"}";
  std::size_t count = 0;
  ASSERT_TRUE(split_into_parts("<190>Oct  8 11:37:54 arch ", raw, 1024, id_of(1), [&](std::string_view part) {
    ASSERT_LE(part.size(), 1024U);
    ++count;
    harness.offer(stream, part);
  }));
  ASSERT_EQ(harness.lines.size(), 1U);
  EXPECT_EQ(harness.lines[0].raw, raw);
  EXPECT_EQ(harness.lines[0].parts, count);
  EXPECT_EQ(harness.lines[0].rule, StartRule::s1);
}

TEST(NumberedParts, APartThatARelayChangedIsSaidSo) {
  Harness harness;
  StreamOptions options = from("10.0.0.9");
  options.trusted = true;
  auto* stream = harness.open(options);
  const std::string raw(900, 'q');
  split_into_parts("<190>Oct  8 11:37:54 arch ", raw, 500, id_of(1), [&](std::string_view part) {
    std::string changed(part);
    changed.back() = 'z';
    harness.offer(stream, changed);
  });
  ASSERT_EQ(harness.lines.size(), 1U);
  EXPECT_EQ(names_of(harness.lines[0].flags), "joined lossy_possible");
}

TEST(NumberedParts, ManyOpenSetsStayWithinTheirBounds) {
  Harness harness({}, 1U << 20);
  StreamOptions options = from("10.0.0.9");
  options.trusted = true;
  auto* stream = harness.open(options);
  const std::string line(3'000, 'x');
  for (unsigned n = 0; n < 2'000; ++n) {
    PartSplitter splitter("<190>Oct  8 11:37:54 arch ", line, 1'000, id_of(n));
    std::string part;
    ASSERT_TRUE(splitter.next(part));
    harness.offer(stream, part);
    ASSERT_LE(harness.reassembler().counters().held, 64U);
  }
  EXPECT_LE(harness.budget().used(), harness.budget().limit() / 4);
}

}  // namespace
}  // namespace thorlog
