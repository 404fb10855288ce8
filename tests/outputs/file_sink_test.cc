// Files of an output: what stands in them, rotation, hostile names, full disks.
#include "outputs/file_sink.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <filesystem>

#include "support.h"

namespace thorlog {
namespace {

bool all_settled(const OutputRunner& output) { return output.snapshot().pending == 0; }

std::string gunzip(const std::string& path) {
  std::string text;
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  std::string chunk(1 << 16, '\0');
  for (int n; (n = ::gzread(file, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::gzclose(file);
  return text;
}

Record of_asset(const std::string& line, const std::string& host) {
  Record record = line_record(line);
  record.event.canonical_host = host;
  record.event.host = host;
  return record;
}

TEST(FileSink, WritesEachRecordAsOneLine) {
  OutputWorld world;
  const std::string path = world.folder() + "/out/all.log";
  OutputRunner& output = world.run(file_output("out", path));
  world.append(std::vector<std::string>{"plain", "two\nlines\r\x01", "back\\slash"});
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  EXPECT_EQ(read_bytes(path), "plain\ntwo\\x0Alines\\x0D\\x01\nback\\x5Cslash\n");
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640U);
  EXPECT_EQ(output.snapshot().books.acknowledged, 3U);
  EXPECT_EQ(output.snapshot().target, path);
}

TEST(FileSink, WritesJsonEvents) {
  OutputWorld world;
  OutputSettings settings = file_output("out", world.folder() + "/out.json");
  settings.format = OutputFormat::json;
  OutputRunner& output = world.run(settings);
  world.append(std::vector<std::string>{"a \"quoted\"\nline"});
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  const std::string text = read_bytes(settings.path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_TRUE(text.starts_with("{\"id\":\"0-"));
  EXPECT_NE(text.find("\"journal_id\":\"" + world.journal().uuid() + "\""), std::string::npos);
  EXPECT_NE(text.find("\"raw\":\"a \\\"quoted\\\"\\nline\""), std::string::npos);
}

TEST(FileSink, AppendsAfterARestartAndFinishesALineThatACrashCutOff) {
  OutputWorld world;
  const std::string path = world.folder() + "/out.log";
  write_bytes(path, "old\nhalf a li");
  OutputRunner& output = world.run(file_output("out", path));
  world.append(std::vector<std::string>{"new"});
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  EXPECT_EQ(read_bytes(path), "old\nhalf a li\nnew\n");
}

TEST(FileSink, SpreadsLinesOverFilesByAsset) {
  OutputWorld world;
  OutputRunner& output = world.run(file_output("out", world.folder() + "/out/{asset}/{kind}.log"));
  std::vector<Record> records;
  std::vector<std::string> hosts;
  for (int i = 0; i < 1000; ++i) hosts.push_back("host" + std::to_string(i));
  const std::string line = "a line";
  for (int round = 0; round < 3; ++round) {
    for (const std::string& host : hosts) records.push_back(of_asset(line, host));
  }
  world.append(records);
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  const auto files = files_below(world.folder() + "/out");
  ASSERT_EQ(files.size(), 1000U);
  for (const std::string& file : files)
    EXPECT_EQ(read_bytes(world.folder() + "/out/" + file), "a line\na line\na line\n");
}

TEST(FileSink, NeverLeavesItsFolderWhateverHostsAreCalled) {
  OutputWorld world;
  const std::string root = world.folder() + "/out";
  OutputRunner& output = world.run(file_output("out", root + "/{host}/{scan_id}.log"));
  const std::vector<std::string> names = {"..",
                                          "../..",
                                          "/etc/passwd",
                                          "a/../../b",
                                          ".",
                                          "...",
                                          "a\nb",
                                          "",
                                          std::string(5000, 'A'),
                                          std::string("nul\0l", 5),
                                          "CON",
                                          "x/",
                                          "~root"};
  std::vector<Record> records;
  for (const std::string& name : names) {
    Record record = line_record(names[0]);
    record.event.host = name;
    record.event.scan_id = name;
    records.push_back(record);
  }
  const auto outside = [&] {
    std::vector<std::string> found;
    for (const std::string& file : files_below(world.folder())) {
      if (!file.starts_with("out/") && !file.starts_with("state/")) found.push_back(file);
    }
    return found;
  };
  world.append(records);
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  EXPECT_TRUE(outside().empty()) << outside().front();
  EXPECT_EQ(files_below(root).size(), names.size());
  EXPECT_EQ(output.snapshot().books.acknowledged, names.size());
}

TEST(FileSink, DoesNotFollowLinksBelowItsFolder) {
  OutputWorld world;
  const std::string root = world.folder() + "/out";
  std::filesystem::create_directories(root);
  std::filesystem::create_directories(world.folder() + "/elsewhere");
  std::filesystem::create_directory_symlink(world.folder() + "/elsewhere", root + "/trap");
  write_bytes(world.folder() + "/elsewhere/secret", "");
  OutputRunner& output = world.run(file_output("out", root + "/{asset}/x.log"));
  const std::string line = "line";
  const std::string host = "trap";
  world.append(std::vector<Record>{of_asset(line, host)});
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::holding; }));
  EXPECT_EQ(files_below(world.folder() + "/elsewhere"), std::vector<std::string>{"secret"});
  EXPECT_EQ(output.snapshot().pending, 1U);
  std::filesystem::remove(root + "/trap");  // the operator removes it: nothing is lost
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  EXPECT_EQ(read_bytes(root + "/trap/x.log"), "line\n");
}

TEST(FileSink, RotatesBySizeKeepsSomeAndCompressesThem) {
  OutputWorld world;
  OutputSettings settings = file_output("out", world.folder() + "/out/all.log");
  settings.rotate = RotateSettings{.size = 10'000, .keep = 3, .compress = Compression::gzip};
  OutputRunner& output = world.run(settings);
  world.append_numbered(1000);  // lines of 101 bytes: 99 in a file
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  const std::string root = world.folder() + "/out/";
  const std::vector<std::string> wanted = {"all.log", "all.log.1.gz", "all.log.2.gz", "all.log.3.gz"};
  ASSERT_TRUE(wait_until([&] { return files_below(root) == wanted; })) << testing::PrintToString(files_below(root));
  std::string text;
  for (const char* name : {"all.log.3.gz", "all.log.2.gz", "all.log.1.gz"}) {
    const std::string part = gunzip(root + name);
    EXPECT_EQ(part.size(), 99U * 101U);
    text += part;
  }
  text += read_bytes(root + "all.log");
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 3 * 99U + 1000 % 99);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(std::stoul(lines[i].substr(7)), 1000 - lines.size() + i);
}

TEST(FileSink, RotatesWithoutCompressionAndKeepsEveryLine) {
  OutputWorld world;
  OutputSettings settings = file_output("out", world.folder() + "/out/{asset}.log");
  settings.rotate = RotateSettings{.size = 5000, .keep = 1000, .compress = Compression::none};
  OutputRunner& output = world.run(settings);
  std::vector<std::string> lines;
  for (int i = 0; i < 1000; ++i)
    lines.push_back("number " + std::to_string(1'000'000 + i).substr(1) + " " + std::string(90, 'y'));
  const std::string hosts[] = {"even", "odd"};
  std::vector<Record> records;
  for (std::size_t i = 0; i < lines.size(); ++i) records.push_back(of_asset(lines[i], hosts[i % 2]));
  world.append(records);
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  const std::string root = world.folder() + "/out/";
  const auto all = [&] {
    std::vector<std::string> got;
    for (const std::string& file : files_below(root)) {
      for (std::string& line : lines_of(read_bytes(root + file))) got.push_back(std::move(line));
    }
    return got;
  };
  ASSERT_TRUE(wait_until([&] {
    const auto files = files_below(root);
    return std::none_of(files.begin(), files.end(), [](const auto& f) { return f.find("rotating") != f.npos; });
  }));
  const Count count = count_numbers(all(), 1000);
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);
  for (const std::string& file : files_below(root)) EXPECT_LE(std::filesystem::file_size(root + file), 5000U) << file;
}

TEST(FileSink, TakesUpRotationsThatAnEarlierLifeLeftUndone) {
  OutputWorld world;
  const std::string root = world.folder() + "/out/";
  std::filesystem::create_directories(root);
  write_bytes(root + "all.log.rotating-01700000000000000001", "old 1\n");
  write_bytes(root + "all.log.rotating-01700000000000000002", "old 2\n");
  OutputSettings settings = file_output("out", root + "all.log");
  settings.rotate = RotateSettings{.size = 1U << 20, .keep = 5, .compress = Compression::none};
  world.run(settings);
  world.append(std::vector<std::string>{"new"});
  ASSERT_TRUE(wait_until([&] {
    return files_below(root) == std::vector<std::string>{"all.log", "all.log.1", "all.log.2"};
  })) << testing::PrintToString(files_below(root));
  EXPECT_EQ(read_bytes(root + "all.log.1"), "old 2\n");
  EXPECT_EQ(read_bytes(root + "all.log.2"), "old 1\n");
}

TEST(FileSink, HoldsOnAFullDiskAndLeavesNoPartOfALine) {
  OutputWorld world;
  const std::string path = world.folder() + "/out.log";
  world.append_numbered(2000);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{50'050, before.rlim_max};  // a file of this process may not grow beyond this: as a full disk
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  OutputSettings settings = file_output("out", path);
  OutputRunner& output = world.run(settings);
  const bool held = wait_until([&] { return output.snapshot().state == OutputState::holding; });
  const OutputSnapshot snapshot = output.snapshot();
  const std::string text = read_bytes(path);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(held);
  EXPECT_GT(snapshot.retries[static_cast<std::size_t>(Retry::disk_full)], 0U);
  EXPECT_TRUE(is_balanced(snapshot));
  EXPECT_EQ(snapshot.books.acknowledged, 0U);
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  const auto lines = lines_of(read_bytes(path));
  EXPECT_EQ(lines.size(), 2000U);
  EXPECT_EQ(count_numbers(lines, 2000).missing, 0U);
}

TEST(FileSink, MakesAFileAnewThatSomebodyRemoved) {
  OutputWorld world;
  const std::string path = world.folder() + "/out.log";
  OutputRunner& output = world.run(file_output("out", path));
  world.append(std::vector<std::string>{"before"});
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  std::filesystem::remove(path);
  // Looked at once a second, after a write.
  ASSERT_TRUE(wait_until([&] {
    world.append(std::vector<std::string>{"after"});
    return std::filesystem::exists(path);
  }));
}

TEST(FileSink, OpensFilesAnewOnAReload) {
  OutputWorld world;
  const OutputSettings settings = file_output("out", world.folder() + "/out.log");
  OutputRunner& output = world.run(settings);
  world.append(std::vector<std::string>{"before"});
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  std::filesystem::rename(settings.path, settings.path + ".moved");
  output.reopen();
  ASSERT_TRUE(wait_until([&] {
    world.append(std::vector<std::string>{"after"});
    return std::filesystem::exists(settings.path);
  }));
  ASSERT_TRUE(wait_until([&] { return all_settled(output); }));
  EXPECT_TRUE(read_bytes(settings.path + ".moved").starts_with("before\n"));
  EXPECT_TRUE(read_bytes(settings.path).starts_with("after\n"));
}

TEST(FileSink, SyncsBeforeItCountsWhenTheJournalDoes) {
  OutputWorld world;
  OutputEnvironment environment = world.environment();
  environment.durability = Durability::disk;
  auto opened = OutputRunner::open(file_output("out", world.folder() + "/{asset}.log"), environment);
  ASSERT_TRUE(is_ok(opened));
  (*opened)->start();
  world.append_numbered(1000);
  (*opened)->wake();
  ASSERT_TRUE(wait_until([&] { return (*opened)->snapshot().books.acknowledged == 1000; }));
  (*opened)->stop(1s);
}

// ---- the sink alone

class QuietHost final : public SinkHost {
 public:
  void sink_ready() noexcept override {}
  void reached(Token) noexcept override {}
  void delivered(Token token) noexcept override { last = token; }
  void rewind() noexcept override { ++rewinds; }
  bool park(std::uint64_t, std::string_view, std::string_view) noexcept override { return false; }
  Token last = 0;
  int rewinds = 0;
};

TEST(FileSink, SendsNewNamesToOverflowWhenThereAreTooMany) {
  OutputWorld world;
  Loop loop;
  QuietHost host;
  SystemClock clock;
  OutputSettings settings = file_output("out", world.folder() + "/out/{asset}.log");
  {
    FileSink sink(settings, *PathTemplate::parse(settings.path), {loop, host, clock, "out", Durability::os},
                  {.open_files = 4, .new_files_per_hour = 10});
    sink.start();
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 30; ++i) {
        const std::string line = "line";
        const std::string name = "host" + std::to_string(i);
        const Record record = of_asset(line, name);
        ASSERT_EQ(sink.write(stored_record(record)), Taken::yes);
      }
    }
    sink.mark(1);
    sink.flush();
    EXPECT_EQ(host.last, 1U);
  }
  const auto files = files_below(world.folder() + "/out");
  EXPECT_EQ(files.size(), 11U);
  EXPECT_EQ(lines_of(read_bytes(world.folder() + "/out/_overflow.log")).size(), 40U);
  EXPECT_EQ(lines_of(read_bytes(world.folder() + "/out/host3.log")).size(), 2U);
}

}  // namespace
}  // namespace thorlog
