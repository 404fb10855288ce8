#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/temp_folder.h"

namespace thorlog {
namespace {

class FileTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const std::string& name, FileSystem::Open how = FileSystem::Open::create) {
    auto file = files_.open(folder_ + "/" + name, how, FaultPoint::none);
    EXPECT_TRUE(file) << file.error().message();
    return *std::move(file);
  }
  static std::string text_of(const File& file) {
    std::string text(*file.size(), '\0');
    EXPECT_EQ(*file.read_at(0, text.data(), text.size()), text.size());
    return text;
  }

  FileSystem& files_ = real_file_system();
  const TempFolder temp_{TempFolder::On::disk};
  const std::string folder_ = temp_.path();
};

iovec part_of(std::string& text) { return {text.data(), text.size()}; }

TEST_F(FileTest, WritesSeveralPartsInOneGo) {
  auto file = open("a");
  std::string one = "one ";
  std::string none;
  std::string two = "two";
  const iovec parts[] = {part_of(one), part_of(none), part_of(two)};
  std::size_t written = 0;
  ASSERT_TRUE(file->write_at(3, parts, FaultPoint::none, &written));
  EXPECT_EQ(written, 7U);
  EXPECT_EQ(text_of(*file), std::string(3, '\0') + "one two");
}

TEST_F(FileTest, WritesMorePartsThanTheKernelTakesAtOnce) {
  auto file = open("a");
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 3 * IOV_MAX + 5; ++i) texts.push_back(std::to_string(i));
  std::vector<iovec> parts;
  for (std::string& text : texts) {
    parts.push_back(part_of(text));
    expected += text;
  }
  ASSERT_TRUE(file->write_at(0, parts, FaultPoint::none, nullptr));
  EXPECT_EQ(text_of(*file), expected);
}

TEST_F(FileTest, SaysThatTheDiskIsFull) {
  // A limit on the file's size gives EFBIG; /dev/full is the honest way to ENOSPC without a small disk.
  auto file = files_.open("/dev/full", FileSystem::Open::read_write, FaultPoint::none);
  ASSERT_TRUE(file);
  std::string text = "text";
  const iovec part = part_of(text);
  const Status status = (*file)->write_at(0, {&part, 1}, FaultPoint::none, nullptr);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::disk_full);
  EXPECT_EQ(status.error().sys, ENOSPC);
}

TEST_F(FileTest, ReadsShortOnlyAtTheEnd) {
  auto file = open("a");
  std::string text = "0123456789";
  const iovec part = part_of(text);
  ASSERT_TRUE(file->write_at(0, {&part, 1}, FaultPoint::none, nullptr));
  char to[20];
  EXPECT_EQ(*file->read_at(0, to, 5), 5U);
  EXPECT_EQ(*file->read_at(5, to, 20), 5U);
  EXPECT_EQ(*file->read_at(10, to, 20), 0U);
  EXPECT_EQ(*file->read_at(1000, to, 20), 0U);
}

TEST_F(FileTest, ReservesAndCuts) {
  auto file = open("a");
  ASSERT_TRUE(file->allocate(100'000, FaultPoint::none));
  EXPECT_EQ(*file->size(), 100'000U);
  ASSERT_TRUE(file->truncate(10));
  EXPECT_EQ(*file->size(), 10U);
  EXPECT_TRUE(file->sync_data(FaultPoint::none));
}

TEST_F(FileTest, IsTheSameAfterItsPagesWereForgotten) {
  auto file = open("a");
  std::string text(100'000, 'x');
  const iovec part = part_of(text);
  ASSERT_TRUE(file->write_at(0, {&part, 1}, FaultPoint::none, nullptr));
  ASSERT_TRUE(file->write_back(0, 100'000, FaultPoint::none));
  file->forget_pages(0, 100'000);
  EXPECT_EQ(text_of(*file), text);
}

TEST_F(FileTest, TellsWhatIsThereAndWhatIsNot) {
  EXPECT_FALSE(files_.open(folder_ + "/none", FileSystem::Open::read, FaultPoint::none));
  open("a");
  EXPECT_FALSE(files_.open(folder_ + "/a", FileSystem::Open::create_new, FaultPoint::none));
  EXPECT_TRUE(files_.exists(folder_ + "/a"));
  ASSERT_TRUE(files_.rename(folder_ + "/a", folder_ + "/b", FaultPoint::none));
  EXPECT_EQ(*files_.list(folder_), std::vector<std::string>{"b"});
  ASSERT_TRUE(files_.remove(folder_ + "/b", FaultPoint::none));
  EXPECT_TRUE(files_.list(folder_)->empty());
  EXPECT_FALSE(files_.remove(folder_ + "/b", FaultPoint::none));
  EXPECT_TRUE(files_.sync_folder(folder_, FaultPoint::none));
  EXPECT_GT(*files_.free_bytes(folder_), 0U);
}

TEST_F(FileTest, MakesFoldersWithTheirParentsAndRefusesAFileInTheWay) {
  EXPECT_TRUE(files_.make_folder(folder_ + "/x/y/z"));
  EXPECT_TRUE(files_.make_folder(folder_ + "/x/y/z"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/x/y/z"));
  open("file");
  EXPECT_FALSE(files_.make_folder(folder_ + "/file"));
  EXPECT_FALSE(files_.make_folder(folder_ + "/file/below"));
}

TEST_F(FileTest, LocksAFolderOnce) {
  auto lock = files_.lock_folder(folder_);
  ASSERT_TRUE(lock);
  auto second = files_.lock_folder(folder_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_NE(second.error().message().find(folder_), std::string::npos);
  lock->reset();
  EXPECT_TRUE(files_.lock_folder(folder_));
  EXPECT_FALSE(files_.lock_folder(folder_ + "/none"));
}

TEST_F(FileTest, KnowsThatALocalDiskIsNoNetwork) {
  EXPECT_EQ(*files_.network_kind(folder_), "");
  EXPECT_EQ(*files_.network_kind("/proc"), "");
}

// Faults are armed once for a process, so each case gets its own.
int in_child(const char* faults, void (*body)(const std::string& folder), const std::string& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("THORLOG_FAULT", faults, 1);
    ::close(STDERR_FILENO);
    arm_faults_from_environment();
    body(folder);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

void write_twice(const std::string& folder) {
  auto file = real_file_system().open(folder + "/a", FileSystem::Open::create, FaultPoint::seg_create);
  std::string text(1000, 'x');
  const iovec part = part_of(text);
  const bool first = (*file)->write_at(0, {&part, 1}, FaultPoint::batch_write, nullptr).has_value();
  const Status second = (*file)->write_at(1000, {&part, 1}, FaultPoint::batch_write, nullptr);
  ::_exit((first ? 1 : 0) + (second ? 2 : 0) + (!second && second.error().code == Errc::disk_full ? 4 : 0));
}

TEST_F(FileTest, FailsAtTheCountedHitOfAnArmedPoint) {
  EXPECT_EQ(WEXITSTATUS(in_child("batch_write:1:eio", write_twice, folder_)), 2);
  EXPECT_EQ(WEXITSTATUS(in_child("sync:1:eio,batch_write:2:enospc", write_twice, folder_)), 1 + 4);
  EXPECT_EQ(WEXITSTATUS(in_child("no_such_point:1:eio", write_twice, folder_)), 3);
  EXPECT_EQ(WEXITSTATUS(in_child("rubbish", write_twice, folder_)), 3);
}

TEST_F(FileTest, DiesAtACrashPointAsByKill9) {
  const int status = in_child("batch_write:2:crash", write_twice, folder_);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(std::filesystem::file_size(folder_ + "/a"), 1000U);
}

TEST_F(FileTest, LeavesHalfABatchAtTheShortWritePoint) {
  const int status = in_child("batch_short:2:crash", write_twice, folder_);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(std::filesystem::file_size(folder_ + "/a"), 1500U);
}

}  // namespace
}  // namespace thorlog
