// Pools: who is used, and the way back to an earlier target.
#include <gtest/gtest.h>

#include "support.h"

namespace thorlog {
namespace {

OutputSettings pool_of(std::initializer_list<const Receiver*> targets) {
  OutputSettings settings = syslog_to("out", Transport::tcp, 1);
  settings.addresses.clear();
  for (const Receiver* target : targets) {
    settings.addresses.push_back({Transport::tcp, "127.0.0.1", target->port()});
  }
  settings.fail_back = 1s;
  return settings;
}

std::vector<std::string> lines_of_all(std::initializer_list<const Receiver*> receivers) {
  std::vector<std::string> all;
  for (const Receiver* receiver : receivers) {
    for (std::string& line : receiver->lines()) all.push_back(std::move(line));
  }
  return all;
}

// Keeps lines coming until the condition holds.
bool send_until(OutputWorld& world, const std::function<bool()>& condition) {
  return wait_until([&] {
    world.append_numbered(50);
    return condition();
  });
}

TEST(Pool, GoesBackToTheFirstUnderLoadAndNothingIsLostOrSentTwice) {
  OutputWorld world;
  Receiver first;
  Receiver second;
  first.stop_listening();
  OutputRunner& output = world.run(pool_of({&first, &second}));
  ASSERT_TRUE(send_until(world, [&] { return second.line_count() > 1000; }));
  first.listen_again();
  ASSERT_TRUE(send_until(world, [&] { return first.line_count() > 1000; }));
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const Count count = count_numbers(lines_of_all({&first, &second}), world.numbered());
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);
  EXPECT_EQ(count.foreign, 0U);
  EXPECT_EQ(output.snapshot().books.acknowledged, world.numbered());
  EXPECT_EQ(output.snapshot().target, pool_of({&first}).addresses[0].text());
  EXPECT_EQ(output.snapshot().possibly_lost_bytes, 0U);
  EXPECT_EQ(output.snapshot().repeated_bytes, 0U);
}

TEST(Pool, GoesBackWhileNothingIsToBeSent) {
  OutputWorld world;
  Receiver first;
  Receiver second;
  first.stop_listening();
  OutputRunner& output = world.run(pool_of({&first, &second}));
  world.append_numbered(10);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  first.listen_again();
  ASSERT_TRUE(wait_until([&] { return output.snapshot().target == pool_of({&first}).addresses[0].text(); }));
  world.append_numbered(10);
  ASSERT_TRUE(wait_until([&] { return first.line_count() == 10; }));
  EXPECT_EQ(second.line_count(), 10U);
}

TEST(Pool, TheNextOfThreeIsUsedAndEachBetterOneIsTakenWhenItIsThere) {
  OutputWorld world;
  Receiver first;
  Receiver second;
  Receiver third;
  OutputRunner& output = world.run(pool_of({&first, &second, &third}));
  ASSERT_TRUE(send_until(world, [&] { return first.line_count() > 100; }));
  first.stop_listening();
  ASSERT_TRUE(send_until(world, [&] { return second.line_count() > 100; }));
  second.stop_listening();
  ASSERT_TRUE(send_until(world, [&] { return third.line_count() > 100; }));
  second.listen_again();
  const std::size_t at_second = second.line_count();
  ASSERT_TRUE(send_until(world, [&] { return second.line_count() > at_second + 100; }));
  first.listen_again();
  const std::size_t at_first = first.line_count();
  ASSERT_TRUE(send_until(world, [&] { return first.line_count() > at_first + 100; }));
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const Count count = count_numbers(lines_of_all({&first, &second, &third}), world.numbered());
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.foreign, 0U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

// What it has not got goes to the earlier one, after some time: a target that takes nothing must not hold us.
TEST(Pool, LeavesATargetThatTakesNothingMore) {
  OutputWorld world;
  Receiver first;
  Receiver stuck;
  first.stop_listening();
  stuck.read(false);
  OutputRunner& output = world.run(pool_of({&first, &stuck}));
  world.append_numbered(100'000, 200);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::full; }));
  first.listen_again();
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const Count count = count_numbers(first.lines(), world.numbered());
  EXPECT_LE(count.missing * 201, output.snapshot().possibly_lost_bytes);
  EXPECT_EQ(output.snapshot().target, pool_of({&first}).addresses[0].text());
}

TEST(Pool, AStopWhileItGoesBackEndsInTime) {
  OutputWorld world;
  Receiver first;
  Receiver second;
  first.stop_listening();
  OutputRunner& output = world.run(pool_of({&first, &second}));
  world.append_numbered(100);
  ASSERT_TRUE(wait_until([&] { return second.line_count() == 100; }));
  second.read(false);  // so that going back takes its time
  first.listen_again();
  ASSERT_TRUE(wait_until([&] { return first.connections() > 0; }));
  const auto began = std::chrono::steady_clock::now();
  output.stop(500ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1500ms);
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

}  // namespace
}  // namespace thorlog
