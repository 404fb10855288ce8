// A doubly linked list through its members: in and out in constant time, no memory of its own. A member that goes
// leaves its lists by itself.
#pragma once

#include <cstddef>

namespace thorlog {

template <class T>
struct ListHook {
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { leave(); }

  bool listed() const noexcept { return next != nullptr; }
  void leave() noexcept {
    if (next == nullptr) return;
    before->next = next;
    next->before = before;
    next = before = nullptr;
  }

  ListHook* before = nullptr;
  ListHook* next = nullptr;
  T* self = nullptr;  // null: the list's own hook
};

template <class T, ListHook<T> T::*Hook>
class List {
 public:
  List() { ring_.before = ring_.next = &ring_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (ring_.next != &ring_) ring_.next->leave();
  }

  // Puts it at the end, wherever it was before.
  void push_back(T& member) noexcept {
    ListHook<T>& hook = member.*Hook;
    hook.leave();
    hook.self = &member;
    hook.before = ring_.before;
    hook.next = &ring_;
    ring_.before->next = &hook;
    ring_.before = &hook;
  }
  T* front() const noexcept { return ring_.next->self; }  // null when empty
  T* after(const T& member) const noexcept { return (member.*Hook).next->self; }
  bool empty() const noexcept { return ring_.next == &ring_; }

 private:
  ListHook<T> ring_;
};

}  // namespace thorlog
