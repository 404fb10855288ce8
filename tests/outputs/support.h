// What the outputs' tests share: a real journal in a folder that goes away, runners on it, and a TCP receiver that
// behaves as badly as asked.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/is_ok.h"
#include "base/temp_folder.h"
#include "journal/journal.h"
#include "outputs/runner.h"
#include "wire/stored_record.h"

namespace thorlog {

using namespace std::chrono_literals;

// Looks each few milliseconds; false when the time is up.
bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds most = 60s);

// stored = acknowledged + filtered + pending + dropped
testing::AssertionResult is_balanced(const OutputSnapshot& snapshot);

Record line_record(const std::string& line);  // the line must outlive it

StoredRecord stored_record(const Record& record, std::string_view input = {}, std::string_view asset = {});

class OutputWorld {
 public:
  explicit OutputWorld(std::uint64_t segment_bytes = 4U << 20);
  ~OutputWorld();

  const std::string& folder() const noexcept { return folder_.path(); }
  Journal& journal() noexcept { return *journal_; }
  OutputEnvironment environment();

  void append(const std::vector<std::string>& lines);
  void append(const std::vector<Record>& records);
  // "number 0000000 xxx..." and so on, in batches of about 64 KiB; goes on counting with each call.
  void append_numbered(std::size_t count, std::size_t line_bytes = 100);
  std::size_t numbered() const noexcept { return numbered_; }

  // Opens and starts an output that begins at the oldest record; woken with the journal.
  OutputRunner& run(const OutputSettings& settings);
  Result<std::unique_ptr<OutputRunner>> open(const OutputSettings& settings);
  void stop(OutputRunner& runner, std::chrono::milliseconds within = 5s);  // and lets go of it

 private:
  TempFolder folder_{TempFolder::On::disk};
  SystemClock clock_;
  std::unique_ptr<Journal> journal_;
  std::mutex mutex_;  // guards runners_
  std::vector<std::unique_ptr<OutputRunner>> runners_;
  std::size_t numbered_ = 0;
};

OutputSettings syslog_to(const std::string& name, Transport transport, std::uint16_t port,
                         Framing framing = Framing::lf);
OutputSettings file_output(const std::string& name, const std::string& path);

std::vector<std::string> lines_of(const std::string& text);
// All files below a folder, relative, sorted.
std::vector<std::string> files_below(const std::string& folder);

// What became of numbered lines.
struct Count {
  std::size_t missing = 0;
  std::size_t repeated = 0;
  std::size_t foreign = 0;  // lines that were never sent
};
Count count_numbers(const std::vector<std::string>& lines, std::size_t sent);

// Listens on a port of its own and keeps all that it reads.
class Receiver {
 public:
  explicit Receiver(int receive_buffer = 0);
  ~Receiver();

  std::uint16_t port() const noexcept { return port_; }
  std::string text() const;                // of all connections, one after the other
  std::vector<std::string> lines() const;  // the last one only when it is whole
  std::size_t line_count() const { return lines_; }
  std::size_t connections() const;  // so far

  void read(bool on) { reading_ = on; }  // off: accepts, and reads nothing
  void read_slowly(std::size_t bytes_a_second) { slow_ = bytes_a_second; }
  void close_all();       // FIN, or a reset where something is unread
  void reset_all();       // RST
  void stop_listening();  // and resets what is there
  void listen_again();

 private:
  struct Connection {
    int fd = -1;
    std::string text;
  };
  void run();
  void open_listener();
  void end_all(bool reset);

  int receive_buffer_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  mutable std::mutex mutex_;  // guards connections_ and listener_
  std::vector<Connection> connections_;
  std::atomic<bool> reading_{true};
  std::atomic<std::size_t> slow_{0};
  std::atomic<std::size_t> lines_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace thorlog
