#include "analyze/analysis.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <queue>

#include "analyze/log_file.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

constexpr std::size_t kLargestBuffer = 1U << 20;
constexpr std::size_t kSmallestBuffer = 32U << 10;
constexpr std::size_t kAllBuffers = 64U << 20;
constexpr std::uint64_t kLinesBetweenLooks = 4096;
constexpr std::size_t kMaxEvidence = 2048;

// A file and the line of it that comes next.
class Source {
 public:
  Source(std::uint32_t number, std::string path) : number_(number), path_(std::move(path)) {}

  // False: it can't be read.
  bool open(std::size_t buffer, std::vector<std::string>& troubles) {
    auto file = LogFile::open(path_, buffer);
    if (!file) {
      troubles.push_back(file.error().message());
      return false;
    }
    file_ = *std::move(file);
    modified_ = file_->modified();
    is_plain_ = file_->is_plain();
    return true;
  }

  // Reads on to the next line that may matter. False: the end.
  bool advance(const AnalysisOptions& options, const TimeZone* zone, const TimeZone* agent_zone,
               AnalysisResult& result) {
    std::string_view line;
    while (file_->next(line)) {
      ++result.lines;
      result.bytes += line.size() + 1;
      const Start start = test_start(line);
      // The rest of a value that holds line ends, or the last words of a program that died.
      if (!start.is_start() && start.stamp_length == 0 && !may_matter(line)) continue;
      ParseContext context;
      context.received = modified_;
      context.zone = zone;
      context.agent_zone = agent_zone;
      context.short_hostname = options.short_hostname;
      context.memory = &memory_;
      parser_.parse(line, start, context, event_);
      // How old the file is says nothing about its lines; a stamp of the future is none.
      const bool ahead = (event_.flags & flag::clock_skew) != 0 && (event_.flags & flag::replayed) == 0;
      event_.flags &= ~(flag::clock_skew | flag::replayed);
      if (!start.is_start() && event_.kind == Kind::syslog) event_.flags |= flag::orphan;
      if (event_.timestamp == kNoTime || ahead) event_.timestamp = stamp_;
      if (event_.timestamp == kNoTime) continue;  // nothing before it said when
      if (event_.canonical_host.empty()) event_.canonical_host = host_;
      if (!start.is_start()) event_.canonical_host = {};
      time_ = std::max(time_, event_.timestamp);
      stamp_ = event_.timestamp;
      offset_ = file_->offset();
      return true;
    }
    if (!file_->trouble().empty()) result.troubles.push_back(file_->trouble());
    bytes_ = file_->bytes_read();
    file_.reset();
    return false;
  }

  // The line as a record; its views are valid until the next advance().
  Record record() const {
    Record record;
    record.event = event_;
    record.received = event_.timestamp;
    record.peer = path_;
    record.stream = number_;
    record.input = 1;
    return record;
  }

  std::uint32_t number() const noexcept { return number_; }
  std::int64_t time() const noexcept { return time_; }  // never runs backwards
  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t bytes() const noexcept { return file_ ? file_->bytes_read() : bytes_; }
  std::uint64_t size() const noexcept { return file_ ? file_->size() : 0; }
  void close() { file_.reset(); }

  // The line at this place, as long as the file is one that can be read at any place.
  bool fetch(std::uint64_t offset, std::string& line) const {
    if (!is_plain_) return false;
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    line.resize(kMaxEvidence);
    const ssize_t count = ::pread(fd, line.data(), line.size(), static_cast<off_t>(offset));
    ::close(fd);
    if (count <= 0) return false;
    line.resize(static_cast<std::size_t>(count));
    line.resize(std::min(line.find('\n'), line.size()));
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }

 private:
  static bool may_matter(std::string_view line) noexcept {
    return line[0] == 'p' || line[0] == 'f' || line[0] == '[' || (line[0] >= '0' && line[0] <= '9');
  }

  std::uint32_t number_;
  std::string path_;
  std::string host_;
  std::unique_ptr<LogFile> file_;
  LineParser parser_;
  ScanMemory memory_;
  Event event_;
  std::int64_t modified_ = 0;
  std::int64_t time_ = kNoTime, stamp_ = kNoTime;
  std::uint64_t offset_ = 0, bytes_ = 0;
  bool is_plain_ = false;
};

class Analysis : public ScanSink {
 public:
  Analysis(const AnalysisOptions& options, const std::function<void(const Detection&)>& each)
      : options_(options), each_(each), watch_(scan_options(options), *this, options.rules) {}

  void open(const std::vector<std::string>& paths, const TimeZone* zone, const TimeZone* agent_zone) {
    zone_ = zone;
    agent_zone_ = agent_zone;
    rlimit limit{};  // as many files at once as we may
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
      limit.rlim_cur = limit.rlim_max;
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    const std::size_t buffer =
        std::clamp(kAllBuffers / std::max<std::size_t>(paths.size(), 1), kSmallestBuffer, kLargestBuffer);
    for (const std::string& path : paths) {
      sources_.push_back(std::make_unique<Source>(static_cast<std::uint32_t>(sources_.size()), path));
      Source& source = *sources_.back();
      if (!source.open(buffer, result_.troubles)) continue;
      progress_.all_bytes += source.size();
      step(source);
    }
  }

  void run(const std::function<void(const AnalysisProgress&)>& progress) {
    std::uint64_t looked = 0;
    while (!queue_.empty()) {
      Source& source = *sources_[queue_.top().number];
      queue_.pop();
      // Most lines are followed by one of the same file: no need to queue in between.
      do {
        see(source);
        if (++looked % kLinesBetweenLooks == 0) tell(progress);
      } while (source.advance(options_, zone_, agent_zone_, result_) ? !requeue(source) : false);
    }
    if (result_.now != kNoTime) watch_.advance(result_.now);
    tell(progress);
  }

  const ScanWatch& watch() const noexcept { return watch_; }
  AnalysisResult take() { return std::move(result_); }

 private:
  struct Next {
    std::int64_t time;
    std::uint32_t number;
    bool operator>(const Next& other) const noexcept {
      return time != other.time ? time > other.time : number > other.number;
    }
  };

  static ScanOptions scan_options(const AnalysisOptions& options) {
    ScanOptions scans = options.scans;
    scans.files = true;
    scans.asset_silent = std::int64_t{100} * 365 * 86400 * 1'000'000'000;  // of an old log every asset is silent
    scans.max_scans = scans.max_scans_per_peer = 2'000'000;
    return scans;
  }

  void step(Source& source) {
    if (source.advance(options_, zone_, agent_zone_, result_)) queue_.push({source.time(), source.number()});
  }

  // True: another file comes first, and this one waits.
  bool requeue(Source& source) {
    const Next next{source.time(), source.number()};
    if (queue_.empty() || !(next > queue_.top())) return false;
    queue_.push(next);
    return true;
  }

  void see(Source& source) {
    Record record = source.record();
    if (options_.groups && !record.event.scan_id.empty())
      record.event.group_id = options_.groups->find(record.event.scan_id);
    result_.now = std::max(result_.now, source.time());
    watch_.see({record, {source.number(), source.offset() + 1}, ++seq_, source.time(), false});
  }

  void tell(const std::function<void(const AnalysisProgress&)>& progress) {
    if (!progress) return;
    progress_.bytes = 0;
    for (const auto& source : sources_) progress_.bytes += source->bytes();
    progress_.lines = result_.lines;
    progress(progress_);
  }

  void on_detection(const Detection& detection) override { each_(detection); }
  std::string_view asset_label(std::string_view host, std::string_view full_name, std::string_view ip,
                               bool& mapped) override {
    const std::string_view label = options_.assets ? options_.assets->find(host, full_name, ip) : std::string_view();
    mapped = !label.empty();
    return label;
  }
  bool fetch(RecordId id, Evidence& evidence) override {
    if (id.partition >= sources_.size() || id.offset == 0) return false;
    evidence.received = kNoTime;
    return sources_[id.partition]->fetch(id.offset - 1, evidence.raw);
  }

  const AnalysisOptions& options_;
  const std::function<void(const Detection&)>& each_;
  ScanWatch watch_;
  const TimeZone* zone_ = nullptr;
  const TimeZone* agent_zone_ = nullptr;
  std::vector<std::unique_ptr<Source>> sources_;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> queue_;
  AnalysisResult result_;
  AnalysisProgress progress_;
  std::uint64_t seq_ = 0;
};

}  // namespace

Result<AnalysisResult> analyze(const std::vector<std::string>& paths, const AnalysisOptions& options,
                               const std::function<void(const Detection&)>& each,
                               const std::function<void(const AnalysisProgress&)>& progress,
                               const std::function<void(const ScanRow&)>& scan) {
  const std::unique_ptr<TimeZone> zone = TimeZone::make(options.timezone);
  const std::unique_ptr<TimeZone> agent_zone = TimeZone::make(options.agent_timezone);
  if (!zone) return fail({Errc::config, "the time zone " + options.timezone + " is unknown"});
  if (!agent_zone) return fail({Errc::config, "the time zone " + options.agent_timezone + " is unknown"});
  Analysis analysis(options, each);
  analysis.open(paths, zone.get(), agent_zone.get());
  analysis.run(progress);
  analysis.watch().for_each_scan(scan);
  return analysis.take();
}

}  // namespace thorlog
