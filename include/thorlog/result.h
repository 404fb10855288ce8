// Result and Status: errors as values. Expected trouble (a bad frame, a full disk, a peer that left) is an Error that
// must be looked at; our own broken promises are THORLOG_ASSERT, which stays on in release builds.
// The spelling follows std::expected (C++23), so that changing later is small.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace thorlog {

enum class Errc : std::uint8_t { bad_frame, frame_too_long, corrupt_record, disk_full, io, config, cancelled, busy };

struct [[nodiscard]] Error {
  Errc code = Errc::io;
  std::string doing;  // in the operator's words: "syncing segment 42"
  int sys = 0;        // errno, or libuv's negative code, if there was one

  // "syncing segment 42: No space left on device"
  std::string message() const;
};

// Wraps an Error on its way out of a function that returns a Result: `return fail({Errc::io, "opening x", errno});`
struct [[nodiscard]] Failure {
  Error error;
};
inline Failure fail(Error error) { return Failure{std::move(error)}; }

struct Done {};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}                  // NOLINT: implicit by design
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}  // NOLINT: implicit by design

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<Done>;
inline Status ok() { return Done{}; }

[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "<2>thorlogd: broken promise: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace thorlog

#define THORLOG_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::thorlog::assertion_failed(#condition, __FILE__, __LINE__))
