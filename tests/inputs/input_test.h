// One input on a bench of workers, from its opening to its end: the base of the fixtures of each kind.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "fake_intake.h"

namespace thorlog {

class InputTest : public ::testing::Test {
 protected:
  void open(const InputSettings& settings, std::size_t workers = 1, std::size_t budget = 64 << 20) {
    bench = std::make_unique<Bench>(workers, budget);
    auto opened = bench->open(settings);
    ASSERT_TRUE(opened) << opened.error().message();
    input = *std::move(opened);
    bench->start(*input);
  }
  // Nothing of it is left.
  void stop() {
    ASSERT_TRUE(bench->stop(*input));
    input.reset();
    for (const auto& intake : bench->intakes) {
      EXPECT_EQ(intake->open_streams(), 0U);
      EXPECT_EQ(intake->books(0).connections, 0U);
      EXPECT_EQ(intake->budget().used(), 0U);
    }
    for (const auto& context : bench->contexts) EXPECT_EQ(context->connections, 0U);
  }
  void TearDown() override {
    if (input) stop();
  }
  bool receive(std::uint64_t n) {
    return bench->run_until([&] { return bench->received() >= n; });
  }
  std::uint64_t refused(RefuseReason reason) const {
    return input->snapshot().refused_connections[static_cast<std::size_t>(reason)];
  }

  std::unique_ptr<Bench> bench;
  std::unique_ptr<Input> input;
};

}  // namespace thorlog
