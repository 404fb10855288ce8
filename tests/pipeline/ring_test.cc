#include "pipeline/ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace thorlog {
namespace {

TEST(Ring, RefusesWhenFullAndLeavesTheValueWithTheCaller) {
  Ring<std::unique_ptr<int>, 2> ring;
  auto one = std::make_unique<int>(1);
  auto two = std::make_unique<int>(2);
  auto three = std::make_unique<int>(3);
  EXPECT_TRUE(ring.push(one));
  EXPECT_TRUE(ring.push(two));
  EXPECT_FALSE(ring.push(three));
  ASSERT_NE(three, nullptr);
  EXPECT_EQ(ring.size(), 2U);

  std::unique_ptr<int> got;
  ASSERT_TRUE(ring.pop(got));
  EXPECT_EQ(*got, 1);
  EXPECT_TRUE(ring.push(three));
  ASSERT_TRUE(ring.pop(got));
  EXPECT_EQ(*got, 2);
  ASSERT_TRUE(ring.pop(got));
  EXPECT_EQ(*got, 3);
  EXPECT_FALSE(ring.pop(got));
}

TEST(Ring, KeepsTheOrderBetweenTwoThreads) {
  constexpr int kCount = 20'000;
  Ring<int, 64> ring;
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      int value = i;
      while (!ring.push(value)) std::this_thread::yield();
    }
  });
  int wrong = 0;
  for (int expected = 0; expected < kCount;) {
    int value = -1;
    if (!ring.pop(value)) {
      std::this_thread::yield();
      continue;
    }
    if (value != expected++) ++wrong;
  }
  producer.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace thorlog
