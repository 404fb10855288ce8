// What the journal leaves in the kernel's page cache.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "support.h"

namespace thorlog {
namespace {

constexpr std::size_t kMiB = 1U << 20;

class Pages : public testing::Test {
 protected:
  Pages() {
    world_.options.folder = folder_ / "state/journal";
    world_.options.segment_bytes = 16 * kMiB;
    world_.options.background = false;  // what the sync thread does has happened when append() returns
  }

  void SetUp() override {
    struct statfs kind {};
    ASSERT_EQ(::statfs(folder_.path().c_str(), &kind), 0);
    if (kind.f_type == TMPFS_MAGIC) GTEST_SKIP() << "a file in memory keeps its pages";
  }

  static void append(Journal& journal, int first, int count) {
    for (int i = first; i < first + count; ++i)
      append_lines(journal, {std::to_string(i) + std::string(kMiB / 2, 'x')});
  }

  // Of all segments, bytes in memory.
  std::size_t resident() const {
    std::size_t bytes = 0;
    for (const std::string& path : segments_in(world_.segments_folder())) bytes += resident_of(path);
    return bytes;
  }

  TempFolder folder_{TempFolder::On::disk};
  JournalWorld world_;

 private:
  static std::size_t resident_of(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const auto size = static_cast<std::size_t>(::lseek(fd, 0, SEEK_END));
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    std::vector<unsigned char> pages((size + 4095) / 4096);
    EXPECT_EQ(::mincore(at, size, pages.data()), 0);
    ::munmap(at, size);
    ::close(fd);
    return 4096U *
           static_cast<std::size_t>(std::ranges::count_if(pages, [](unsigned char page) { return page & 1U; }));
  }
};

TEST_F(Pages, GoBackToTheKernelWhenEveryReaderHasThem) {
  auto journal = world_.open();
  JournalReader reader(*journal, journal->state().end);
  for (int i = 0; i < 80; ++i) {
    append(*journal, i, 1);
    ASSERT_EQ(read_on(reader).size(), 1U);
  }
  EXPECT_LT(resident(), 9 * kMiB) << "of 40 MiB";
  EXPECT_EQ(read_all(*journal).size(), 80U) << "they are on the disk";
}

TEST_F(Pages, StayForAReaderThatIsBehind) {
  auto journal = world_.open();
  JournalReader behind(*journal, journal->state().end);
  append(*journal, 0, 80);
  EXPECT_GT(resident(), 35 * kMiB) << "of 40 MiB";
  EXPECT_EQ(read_on(behind).size(), 80U);
}

TEST_F(Pages, AFileThatCantBeWrittenBackIsGivenUpAndNothingIsLost) {
  capture_log([](Severity, std::string_view, void*) {}, nullptr);
  auto journal = world_.open();
  append(*journal, 0, 7);
  const std::size_t files = segments_in(world_.segments_folder()).size();
  ::setenv("THORLOG_FAULT", "sync:1:eio", 1);
  arm_faults_from_environment();
  ::unsetenv("THORLOG_FAULT");
  append(*journal, 7, 2);
  arm_faults_from_environment();
  EXPECT_EQ(segments_in(world_.segments_folder()).size(), files + 1) << "it goes on in another one";
  append(*journal, 9, 30);
  EXPECT_EQ(read_all(*journal).size(), 39U);
  journal.reset();
  journal = world_.open();
  EXPECT_EQ(read_all(*journal).size(), 39U);
  EXPECT_EQ(journal->state().damaged, 0U);
  capture_log(nullptr, nullptr);
}

}  // namespace
}  // namespace thorlog
