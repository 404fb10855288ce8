// EXPECT_TRUE(is_ok(x)) says the error of a Result that has none of what was wanted.
#pragma once

#include <gtest/gtest.h>

#include "thorlog/result.h"

namespace thorlog {

template <class T>
testing::AssertionResult is_ok(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().message();
}

}  // namespace thorlog
