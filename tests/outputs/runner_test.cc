// The runner's books, isolation, limits and reloads, with real sinks on a real journal.
#include "outputs/runner.h"

#include <gtest/gtest.h>

#include <atomic>

#include "support.h"

namespace thorlog {
namespace {

std::uint64_t dropped(const OutputSnapshot& snapshot, DropReason reason) {
  return snapshot.books.dropped[static_cast<std::size_t>(reason)];
}

MatchEntry only(Kind kind) {
  MatchEntry entry;
  entry.wanted.kinds = 1U << static_cast<unsigned>(kind);
  return entry;
}

TEST(OutputRunner, OneDeadOutputDoesNotDisturbAnother) {
  OutputWorld world;
  Receiver alive;
  Receiver dead;
  Receiver hung;
  dead.stop_listening();
  hung.read(false);
  OutputRunner& first = world.run(syslog_to("dead", Transport::tcp, dead.port()));
  OutputRunner& second = world.run(syslog_to("alive", Transport::tcp, alive.port()));
  OutputRunner& third = world.run(syslog_to("hung", Transport::tcp, hung.port()));
  OutputRunner& fourth = world.run(file_output("file", world.folder() + "/out.log"));
  world.append_numbered(100'000, 150);
  ASSERT_TRUE(wait_until([&] { return alive.line_count() == 100'000 && fourth.snapshot().pending == 0; }));
  EXPECT_EQ(first.snapshot().pending, 100'000U);
  EXPECT_LT(third.snapshot().books.acknowledged, 10'000U);
  EXPECT_EQ(count_numbers(alive.lines(), 100'000).repeated, 0U);
  EXPECT_EQ(count_numbers(lines_of(read_bytes(world.folder() + "/out.log")), 100'000).missing, 0U);
  dead.listen_again();
  hung.read(true);
  ASSERT_TRUE(wait_until([&] { return dead.line_count() == 100'000 && hung.line_count() == 100'000; }));
  for (OutputRunner* output : {&first, &second, &third}) {
    ASSERT_TRUE(wait_until([&] { return output->snapshot().pending == 0; })) << output->name();
    EXPECT_EQ(output->snapshot().books.acknowledged, 100'000U);
  }
}

TEST(OutputRunner, TheLawHoldsAtAnyInstant) {
  OutputWorld world;
  Receiver receiver;
  OutputSettings some = syslog_to("tcp", Transport::tcp, receiver.port());
  some.match = {only(Kind::os)};
  OutputRunner& tcp = world.run(some);
  OutputRunner& file = world.run(file_output("file", world.folder() + "/out.log"));
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> looks = 0;
  std::thread watcher([&] {
    std::uint64_t last = 0;
    while (!stop) {
      for (OutputRunner* output : {&tcp, &file}) ASSERT_TRUE(is_balanced(output->snapshot())) << output->name();
      const std::uint64_t settled = file.snapshot().position.seq;
      ASSERT_GE(settled, last);
      last = settled;
      ++looks;
    }
  });
  const std::string text = "a line of some length, and then a bit more of it";
  for (int round = 0; round < 40; ++round) {
    std::vector<Record> records(2000, line_record(text));
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].event.kind = i % 3 == 0 ? Kind::os : i % 7 == 0 ? Kind::life : Kind::thor;
    }
    world.append(records);
    if (round % 10 == 5) receiver.reset_all();
    if (round == 20) tcp.drop_before(world.journal().state().end, DropReason::full);
  }
  ASSERT_TRUE(wait_until([&] { return tcp.snapshot().pending == 0 && file.snapshot().pending == 0; }));
  stop = true;
  watcher.join();
  EXPECT_GT(looks, 10U);
  const OutputSnapshot done = tcp.snapshot();
  EXPECT_EQ(done.stored, 80'000U);
  EXPECT_GT(dropped(done, DropReason::full), 0U);
  EXPECT_EQ(done.books.acknowledged + done.books.filtered + dropped(done, DropReason::full), 80'000U);
}

TEST(OutputRunner, LifeRecordsReachNoOutputAndMatchLeavesOut) {
  OutputWorld world;
  OutputSettings settings = file_output("out", world.folder() + "/out.log");
  settings.match = {only(Kind::thor), only(Kind::life)};
  OutputRunner& output = world.run(settings);
  const std::string wanted = "wanted";
  const std::string unwanted = "unwanted";
  std::vector<Record> records = {line_record(wanted), line_record(unwanted), line_record(unwanted)};
  records[1].event.kind = Kind::life;
  records[2].event.kind = Kind::syslog;
  world.append(records);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(read_bytes(settings.path), "wanted\n");
  EXPECT_EQ(output.snapshot().books.acknowledged, 1U);
  EXPECT_EQ(output.snapshot().books.filtered, 2U);
  EXPECT_EQ(output.snapshot().state, OutputState::idle);
}

TEST(OutputRunner, AnOutputThatWantsNothingIsNeverBehind) {
  OutputWorld world;
  Receiver away;
  away.stop_listening();
  OutputSettings settings = file_output("out", world.folder() + "/out.log");
  settings.match = {only(Kind::detection)};
  OutputRunner& output = world.run(settings);
  world.append_numbered(10'000);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(output.snapshot().books.filtered, 10'000U);
}

TEST(OutputRunner, DropsWhatIsOlderThanItsMaxLagAlsoWhileTheTargetIsAway) {
  OutputWorld world;
  Receiver receiver;
  receiver.stop_listening();
  OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port());
  settings.max_lag = 300ms;
  world.append_numbered(1000);
  OutputRunner& output = world.run(settings);
  ASSERT_TRUE(wait_until([&] { return dropped(output.snapshot(), DropReason::max_lag) == 1000; }));
  EXPECT_EQ(output.snapshot().pending, 0U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

TEST(OutputRunner, GivesUpWhatItIsToldTo) {
  OutputWorld world;
  Receiver receiver;
  receiver.stop_listening();
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  world.append_numbered(5000);
  const Position end = world.journal().state().end;
  output.drop_before(end, DropReason::full);
  ASSERT_TRUE(wait_until([&] { return dropped(output.snapshot(), DropReason::full) == 5000; }));
  world.append_numbered(100);
  receiver.listen_again();
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_EQ(receiver.line_count(), 100U);
  EXPECT_EQ(output.snapshot().books.acknowledged, 100U);
  EXPECT_EQ(dropped(output.snapshot(), DropReason::full), 5000U);
}

TEST(OutputRunner, StartsNowUnlessItIsToldOtherwise) {
  OutputWorld world;
  world.append_numbered(100);
  OutputSettings settings = file_output("out", world.folder() + "/out.log");
  settings.start = StartAt::now;
  OutputRunner& output = world.run(settings);
  EXPECT_EQ(output.snapshot().pending, 0U);
  world.append_numbered(10);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().books.acknowledged == 10; }));
  EXPECT_EQ(output.snapshot().stored, 10U);
  EXPECT_TRUE(lines_of(read_bytes(settings.path)).front().starts_with("number 0000100"));
}

TEST(OutputRunner, ANewMatchCountsFromTheReloadOn) {
  OutputWorld world;
  OutputSettings settings = file_output("out", world.folder() + "/out.log");
  OutputRunner& output = world.run(settings);
  world.append_numbered(100);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  settings.match = {only(Kind::detection)};
  ASSERT_TRUE(is_ok(output.update(settings)));
  ASSERT_TRUE(wait_until([&] {
    world.append_numbered(1);
    return output.snapshot().books.filtered > 0;
  }));
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

TEST(OutputRunner, ANewAddressKeepsTheCursorAndLosesNothing) {
  OutputWorld world;
  Receiver before;
  Receiver after;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, before.port()));
  world.append_numbered(20'000);
  ASSERT_TRUE(wait_until([&] { return before.line_count() > 5000; }));
  ASSERT_TRUE(is_ok(output.update(syslog_to("out", Transport::tcp, after.port()))));
  world.append_numbered(20'000);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  auto lines = before.lines();
  for (std::string& line : after.lines()) lines.push_back(std::move(line));
  const Count count = count_numbers(lines, 40'000);
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);  // the old target closed in good order
  EXPECT_GT(after.line_count(), 0U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

TEST(OutputRunner, ReloadsUnderLoadLoseNothing) {
  OutputWorld world;
  Receiver one;
  Receiver two;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, one.port()));
  for (int round = 0; round < 20; ++round) {
    world.append_numbered(2000);
    ASSERT_TRUE(is_ok(output.update(syslog_to("out", Transport::tcp, round % 2 == 0 ? two.port() : one.port()))));
  }
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  auto lines = one.lines();
  for (std::string& line : two.lines()) lines.push_back(std::move(line));
  EXPECT_EQ(count_numbers(lines, 40'000).missing, 0U);
  EXPECT_EQ(output.snapshot().books.acknowledged, 40'000U);
}

// Takes so many lines and no more; has delivered what was marked when it is closed.
class NarrowSink final : public Sink {
 public:
  struct Target {
    std::mutex mutex;  // guards the rest
    std::vector<std::string> lines;
    std::size_t room = 0;
  };
  NarrowSink(std::shared_ptr<Target> target, const SinkContext& context)
      : target_(std::move(target)), host_(context.host) {}
  void start() override { status_.state = OutputState::streaming; }
  bool ready() const noexcept override {
    const std::lock_guard lock(target_->mutex);
    return target_->lines.size() < target_->room;
  }
  Taken write(const StoredRecord& record) override {
    if (!ready()) return Taken::not_now;
    const std::lock_guard lock(target_->mutex);
    target_->lines.emplace_back(record.record.event.raw);
    return Taken::yes;
  }
  void mark(Token token) override { marked_ = token; }
  void flush() override {}
  void close(std::function<void()> done) override {
    if (marked_ != 0) host_.delivered(marked_);
    done();
  }
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  std::shared_ptr<Target> target_;
  SinkHost& host_;
  Token marked_ = 0;
  SinkStatus status_;
};

// A batch whose first part was sent when the stop or the reload came: that part does not go out again.
TEST(OutputRunner, WhatWasSentOfAHalfWrittenBatchIsNotSentAgain) {
  OutputWorld world;
  const auto target = std::make_shared<NarrowSink::Target>();
  OutputEnvironment environment = world.environment();
  environment.make_sink = [target](const OutputSettings&, const SinkContext& context) {
    return Result<std::unique_ptr<Sink>>(std::make_unique<NarrowSink>(target, context));
  };
  const auto open = [&] {
    auto opened = OutputRunner::open(file_output("narrow", world.folder() + "/never"), environment);
    EXPECT_TRUE(is_ok(opened));
    (*opened)->start();
    return *std::move(opened);
  };
  const auto lines = [&](std::size_t more_room = 0) {
    const std::lock_guard lock(target->mutex);
    target->room += more_room;
    return target->lines;
  };
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) sent.push_back("line " + std::to_string(i));
  world.append(sent);  // one batch
  lines(30);
  auto runner = open();
  ASSERT_TRUE(wait_until([&] { return lines().size() == 30; }));
  runner->stop(1s);
  EXPECT_EQ(runner->snapshot().books.acknowledged, 30U);
  EXPECT_EQ(runner->snapshot().pending, 70U);
  runner.reset();
  lines(30);
  runner = open();
  ASSERT_TRUE(wait_until([&] { return lines().size() == 60; }));
  OutputSettings changed = file_output("narrow", world.folder() + "/elsewhere");
  changed.format = OutputFormat::rfc5424;
  ASSERT_TRUE(is_ok(runner->update(changed)));
  lines(100);
  ASSERT_TRUE(wait_until([&] { return lines().size() >= 100; }));
  runner->stop(1s);
  EXPECT_EQ(lines(), sent);
  EXPECT_EQ(runner->snapshot().books.acknowledged, 100U);
  EXPECT_TRUE(is_balanced(runner->snapshot()));
}

TEST(OutputRunner, RefusesWhatItCannotDo) {
  OutputWorld world;
  OutputSettings email = file_output("out", "/x");
  email.type = OutputType::email;
  EXPECT_FALSE(world.open(email));
  OutputSettings tls = syslog_to("out", Transport::tls, 1);
  tls.tls = TlsSettings{};
  tls.tls->ca = world.folder() + "/missing.pem";
  EXPECT_FALSE(world.open(tls));
  EXPECT_FALSE(world.open(file_output("out", "/proc/nowhere/{asset}.log")));
  EXPECT_FALSE(world.open(file_output("out", world.folder() + "/{nothing}.log")));
}

TEST(OutputRunner, CanBeLetGoOfWithoutEverHavingStarted) {
  OutputWorld world;
  auto opened = world.open(file_output("out", world.folder() + "/out.log"));
  ASSERT_TRUE(is_ok(opened));
  (*opened)->wake();
  EXPECT_EQ((*opened)->snapshot().pending, 0U);
}

}  // namespace
}  // namespace thorlog
