#include "loop/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "loop/fd.h"

namespace thorlog {
namespace {

TEST(Loop, RunsUntilStoppedOnItsThread) {
  Loop loop;
  EXPECT_FALSE(loop.is_this_thread());
  Timer timer(loop, [&] {
    EXPECT_TRUE(loop.is_this_thread());
    loop.stop();
  });
  timer.start(1);
  loop.run();
  EXPECT_GT(loop.beats(), 0U);
  EXPECT_FALSE(timer.active());
}

TEST(Loop, RunsLaterTasksOnALaterTurnAndInOrder) {
  Loop loop;
  std::string order;
  bool inside = false;
  Timer timer(loop, [&] {
    inside = true;
    loop.later([&] {
      EXPECT_FALSE(inside);
      order += "a";
    });
    loop.later([&] {
      order += "b";
      loop.stop();
    });
    inside = false;
  });
  timer.start(1);
  loop.run();
  EXPECT_EQ(order, "ab");
}

// The reason for later(): the object whose callback finds it due may be let go of there.
TEST(Loop, LaterMayDestroyWhatAskedForIt) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    loop.later([&] {
      timer.reset();
      loop.stop();
    });
  });
  timer->start(0);
  loop.run();
  EXPECT_EQ(timer, nullptr);
}

TEST(Loop, RunsLaterTasksThatAreStillDueWhenItGoes) {
  bool ran = false;
  {
    Loop loop;
    loop.later([&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(Loop, LetsGoOfTimersWatchesAndWakesAtOnce) {
  Loop loop;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const Fd read(pipe[0]);
  const Fd write(pipe[1]);
  int calls = 0;
  auto timer = std::make_unique<Timer>(loop, [&] { ++calls; });
  auto wake = std::make_unique<Wake>(loop, [&] { ++calls; });
  auto watch = std::make_unique<FdWatch>(loop, read.get(), [&](int, int) { ++calls; });
  timer->start(0);
  wake->ring();
  watch->start(UV_READABLE);
  ASSERT_EQ(::write(write.get(), "x", 1), 1);
  timer.reset();
  wake.reset();
  watch.reset();
  Timer end(loop, [&] { loop.stop(); });
  end.start(20);
  loop.run();
  EXPECT_EQ(calls, 0);
}

TEST(FdWatch, CallsWhileThereIsSomethingToRead) {
  Loop loop;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const Fd read(pipe[0]);
  const Fd write(pipe[1]);
  int calls = 0;
  FdWatch watch(loop, read.get(), [&](int status, int events) {
    EXPECT_EQ(status, 0);
    EXPECT_EQ(events, UV_READABLE);
    if (++calls == 3) loop.stop();  // level triggered: nobody has read
  });
  watch.start(UV_READABLE);
  ASSERT_EQ(::write(write.get(), "x", 1), 1);
  loop.run();
  EXPECT_EQ(calls, 3);
}

TEST(BeforeSleep, RunsOncePerTurnWhileStarted) {
  Loop loop;
  int runs = 0;
  BeforeSleep before(loop, [&] {
    if (++runs == 5) loop.stop();
  });
  Timer turns(loop, [] {});
  turns.start(1, 1);
  before.start();
  loop.run();
  EXPECT_EQ(runs, 5);
}

TEST(Mailbox, DeliversAllValuesOfAllThreadsEachThreadsInOrder) {
  constexpr int kThreads = 4;
  constexpr int kValues = 20'000;
  Loop loop;
  int last[kThreads] = {-1, -1, -1, -1};
  int received = 0;
  Mailbox<std::pair<int, int>> mailbox(loop, [&](std::pair<int, int>&& value) {
    EXPECT_EQ(value.second, last[value.first] + 1);
    last[value.first] = value.second;
    if (++received == kThreads * kValues) loop.stop();
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&mailbox, t] {
      for (int i = 0; i < kValues; ++i) mailbox.post({t, i});
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(received, kThreads * kValues);
}

TEST(Mailbox, GivesWhatWaitsToAReaderThatIsAboutToGo) {
  Loop loop;
  int sum = 0;
  Mailbox<int> mailbox(loop, [&](int&& value) { sum += value; });
  mailbox.post(1);
  mailbox.post(2);
  mailbox.receive_now();
  EXPECT_EQ(sum, 3);
}

TEST(Mailbox, DestroysWhatNobodyTook) {
  Loop loop;
  const auto value = std::make_shared<int>(1);
  {
    Mailbox<std::shared_ptr<int>> mailbox(loop, [](std::shared_ptr<int>&&) {});
    mailbox.post(value);
    EXPECT_EQ(value.use_count(), 2);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Fd, ClosesOnceAndMoves) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Fd write(pipe[1]);
  {
    Fd read(pipe[0]);
    Fd moved(std::move(read));
    EXPECT_EQ(moved.get(), pipe[0]);
    moved = std::move(write);
    EXPECT_EQ(::read(pipe[0], pipe, 1), -1) << "assigning closes what it had";
  }
  EXPECT_FALSE(write);
}

}  // namespace
}  // namespace thorlog
