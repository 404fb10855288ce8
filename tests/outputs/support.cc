#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace thorlog {

bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

testing::AssertionResult is_balanced(const OutputSnapshot& s) {
  const std::uint64_t sum = s.books.acknowledged + s.books.filtered + s.pending + s.books.dropped_total();
  if (s.stored == sum) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "stored " << s.stored << " = acknowledged " << s.books.acknowledged
                                     << " + filtered " << s.books.filtered << " + pending " << s.pending
                                     << " + dropped " << s.books.dropped_total();
}

Record line_record(const std::string& line) {
  Record record;
  record.event.raw = line;
  record.event.kind = Kind::thor;
  record.received = SystemClock().wall();
  return record;
}

StoredRecord stored_record(const Record& record, std::string_view input, std::string_view asset) {
  return {.record = record, .journal_id = {}, .input_name = input, .asset = asset};
}

OutputWorld::OutputWorld(std::uint64_t segment_bytes) {
  JournalOptions options;
  options.folder = folder_ / "state/journal";
  options.segment_bytes = segment_bytes;
  auto opened = Journal::open(real_file_system(), clock_, options);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message().c_str());
    std::abort();
  }
  journal_ = *std::move(opened);
  journal_->on_progress([this] {
    const std::lock_guard lock(mutex_);
    for (const auto& runner : runners_) runner->wake();
  });
}

OutputWorld::~OutputWorld() {
  for (const auto& runner : runners_) runner->stop(0ms);
  runners_.clear();
}

OutputEnvironment OutputWorld::environment() {
  return {*journal_, real_file_system(), clock_, folder_ / "state/cursors", folder_ / "state", {}, Durability::os};
}

void OutputWorld::append(const std::vector<std::string>& lines) {
  std::vector<Record> records;
  for (const std::string& line : lines) records.push_back(line_record(line));
  append(records);
}

void OutputWorld::append(const std::vector<Record>& records) {
  BatchRef batch = Batch::make(64U << 10, journal_->checksum_seed());
  const auto write = [&] {
    ASSERT_TRUE(is_ok(journal_->append({&batch, 1})));
    batch = Batch::make(64U << 10, journal_->checksum_seed());
  };
  for (const Record& record : records) {
    if (batch->add(record)) continue;
    write();
    ASSERT_TRUE(batch->add(record));
  }
  if (!batch->empty()) write();
}

void OutputWorld::append_numbered(std::size_t count, std::size_t line_bytes) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i, ++numbered_) {
    char head[32];
    std::snprintf(head, sizeof head, "number %07zu ", numbered_);
    std::string line = head;
    if (line.size() < line_bytes) line.append(line_bytes - line.size(), 'x');
    lines.push_back(std::move(line));
    if (lines.size() == 10'000) {
      append(lines);
      lines.clear();
    }
  }
  append(lines);
}

Result<std::unique_ptr<OutputRunner>> OutputWorld::open(const OutputSettings& settings) {
  return OutputRunner::open(settings, environment());
}

OutputRunner& OutputWorld::run(const OutputSettings& settings) {
  auto opened = open(settings);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message().c_str());
    std::abort();
  }
  (*opened)->start();
  const std::lock_guard lock(mutex_);
  runners_.push_back(*std::move(opened));
  return *runners_.back();
}

void OutputWorld::stop(OutputRunner& runner, std::chrono::milliseconds within) {
  runner.stop(within);
  const std::lock_guard lock(mutex_);
  std::erase_if(runners_, [&](const auto& each) { return each.get() == &runner; });
}

OutputSettings syslog_to(const std::string& name, Transport transport, std::uint16_t port, Framing framing) {
  OutputSettings settings;
  settings.name = name;
  settings.type = OutputType::syslog;
  settings.start = StartAt::oldest;
  settings.framing = framing;
  settings.addresses = {{transport, "127.0.0.1", port}};
  return settings;
}

OutputSettings file_output(const std::string& name, const std::string& path) {
  OutputSettings settings;
  settings.name = name;
  settings.type = OutputType::file;
  settings.start = StartAt::oldest;
  settings.path = path;
  return settings;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    lines.push_back(text.substr(at, end - at));
  }
  return lines;
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    std::error_code gone;  // renamed by the sink since it was listed
    if (!entry.is_directory(gone)) found.push_back(entry.path().lexically_relative(folder).string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Count count_numbers(const std::vector<std::string>& lines, std::size_t sent) {
  std::vector<std::size_t> seen(sent, 0);
  Count count;
  for (const std::string& line : lines) {
    const std::size_t number = line.starts_with("number ") ? std::strtoull(line.c_str() + 7, nullptr, 10) : sent;
    if (number < sent) {
      ++seen[number];
    } else {
      ++count.foreign;
    }
  }
  for (const std::size_t times : seen) {
    count.missing += times == 0 ? 1 : 0;
    count.repeated += times > 1 ? times - 1 : 0;
  }
  return count;
}

// ---- the receiver

Receiver::Receiver(int receive_buffer) : receive_buffer_(receive_buffer) {
  open_listener();
  thread_ = std::thread([this] { run(); });
}

Receiver::~Receiver() {
  stop_ = true;
  thread_.join();
  end_all(false);
  if (listener_ >= 0) ::close(listener_);
}

void Receiver::open_listener() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (receive_buffer_ != 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_, sizeof receive_buffer_);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 16) != 0) {
    std::perror("the test's receiver");
    std::abort();
  }
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  const std::lock_guard lock(mutex_);
  listener_ = fd;
}

void Receiver::run() {
  std::vector<char> bytes(256U << 10);
  while (!stop_) {
    std::vector<pollfd> fds;
    {
      const std::lock_guard lock(mutex_);
      if (listener_ >= 0) fds.push_back({listener_, POLLIN, 0});
      for (const Connection& each : connections_) {
        if (each.fd >= 0 && reading_) fds.push_back({each.fd, POLLIN, 0});
      }
    }
    ::poll(fds.data(), fds.size(), 5);
    const std::lock_guard lock(mutex_);
    if (listener_ >= 0) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) connections_.push_back({fd, {}});
    }
    if (!reading_) continue;
    for (Connection& each : connections_) {
      if (each.fd < 0) continue;
      const std::size_t most = slow_ == 0 ? bytes.size() : std::max<std::size_t>(slow_ / 100, 1);
      const ssize_t n = ::recv(each.fd, bytes.data(), most, 0);
      if (n > 0) {
        each.text.append(bytes.data(), static_cast<std::size_t>(n));
        lines_ += static_cast<std::size_t>(std::count(bytes.data(), bytes.data() + n, '\n'));
      }
      if (n == 0) {
        ::close(each.fd);
        each.fd = -1;
      }
    }
    if (slow_ != 0) std::this_thread::sleep_for(10ms);
  }
}

std::string Receiver::text() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const Connection& each : connections_) all += each.text;
  return all;
}

std::vector<std::string> Receiver::lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const Connection& each : connections_) {
    for (std::string& line : lines_of(each.text)) all.push_back(std::move(line));
  }
  return all;
}

std::size_t Receiver::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void Receiver::end_all(bool reset) {
  const std::lock_guard lock(mutex_);
  for (Connection& each : connections_) {
    if (each.fd < 0) continue;
    const linger at_once{1, 0};
    if (reset) ::setsockopt(each.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(each.fd);
    each.fd = -1;
  }
}

void Receiver::close_all() { end_all(false); }
void Receiver::reset_all() { end_all(true); }

void Receiver::stop_listening() {
  {
    const std::lock_guard lock(mutex_);
    ::close(listener_);
    listener_ = -1;
  }
  reset_all();
}

void Receiver::listen_again() { open_listener(); }

}  // namespace thorlog
