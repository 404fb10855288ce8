// A doubly linked list through its members, which it does not own: for "the one that waits longest". One thread.
#pragma once

#include <cstddef>

namespace thorlog {

template <class T>
struct ChainLink {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

// `link` names the member of T that this list runs through.
template <class T, ChainLink<T> T::*link>
class Chain {
 public:
  T* front() const noexcept { return front_; }
  T* back() const noexcept { return back_; }
  bool empty() const noexcept { return front_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  static bool has(const T& item) noexcept { return (item.*link).linked; }
  static T* after(const T& item) noexcept { return (item.*link).next; }

  // To the back, from wherever it is.
  void push_back(T& item) noexcept {
    if (back_ == &item) return;
    remove(item);
    ChainLink<T>& at = item.*link;
    at = {back_, nullptr, true};
    (back_ != nullptr ? (back_->*link).next : front_) = &item;
    back_ = &item;
    ++size_;
  }

  void remove(T& item) noexcept {
    ChainLink<T>& at = item.*link;
    if (!at.linked) return;
    (at.previous != nullptr ? (at.previous->*link).next : front_) = at.next;
    (at.next != nullptr ? (at.next->*link).previous : back_) = at.previous;
    at = {};
    --size_;
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace thorlog
