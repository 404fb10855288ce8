// Fresh memory for the page cache can cost more than all the rest of writing a file. So what was written goes to the
// disk a few MiB at a time, and once every reader has it its pages go back to the kernel, which takes them for what
// is written next. A reader that is far behind finds its pages where they are. The keeper's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "base/file.h"

namespace thorlog {

struct WrittenPages {
  std::shared_ptr<File> file;
  std::uint64_t from = 0;  // in the file, bytes
  std::uint64_t size = 0;
  std::uint64_t end_seq = 0;  // numbers before it lie in these pages or before them
};

class PagesToForget {
 public:
  void add(WrittenPages pages) {
    waiting_.push_back(std::move(pages));
    if (waiting_.size() > kMost) waiting_.pop_front();  // somebody is far behind, and will want them
  }
  // Every reader has what comes before this number.
  void passed(std::uint64_t seq) {
    for (; !waiting_.empty() && waiting_.front().end_seq <= seq; waiting_.pop_front()) {
      waiting_.front().file->forget_pages(waiting_.front().from, waiting_.front().size);
    }
  }

 private:
  static constexpr std::size_t kMost = 16;
  std::deque<WrittenPages> waiting_;
};

}  // namespace thorlog
