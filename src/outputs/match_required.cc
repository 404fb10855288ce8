#include "outputs/match_required.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <limits>
#include <map>

#include "outputs/match_literals.h"
#include "outputs/match_sequences.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxLiterals = 256;  // of one pattern; with more it counts as having none
constexpr std::size_t kMaxWindows = 24;    // of one sequence
// Of windows, the shortest first. Longer than kPlaced they are tried only where they begin or end with a part.
constexpr std::array<std::size_t, 7> kLengths = {Window::kLength, 6, 8, 10, 12, 16, 24};
constexpr std::size_t kPlaced = 6;
// A window that stands in every second line is still worth more than an automaton that reads every byte.
constexpr double kTooCommon = 1.0 / 500;  // for each byte of text

constexpr std::string_view kUsualText =
    "<134>Oct  8 11:37:54 HOST17/10.0.1.17 THOR: Info: MODULE: Filescan MESSAGE: Suspicious file found SCANID: "
    "S-KybbdhFvHhc "
    "FILE: C:\\Windows\\System32\\svchost.exe SCORE: 65 SIZE: 513800 TYPE: EXE MD5: 60873d6560b29bdb30235e05eda97539 "
    "SHA1: "
    "d312157d7c890a68eed85c5a2fd17fdfe6defa87 SHA256: "
    "837016154b7952b645b5545aeb8e2a8878efa8674e6b96471c3db5e458b06960 OWNER: "
    "BUILTIN\\Administrators FIRSTBYTES: 4d5a90000300000004000000ffff0000b8000000 / MZ COMPANY: - DESC: - CREATED: "
    "Thu Jul 26 "
    "05:20:04 2012 MODIFIED: Wed Sep  2 17:18:04.000 2020 ACCESSED: Fri Sep 20 12:47:39 2013 REASON_1: YARA rule "
    "SUSP_Encoded_PS1_Sep20 / Detects SUBSCORE: 60 UID: 1234567\n"
    "<190>Oct 18 21:09:12 server44.local.net/10.19.2.17 THOR: Warning: MODULE: ProcessCheck MESSAGE: Process started "
    "PID: 8336 "
    "PPID: 5796 PARENT: C:\\Program Files (x86)\\Common\\x.exe NAME: x.exe COMMAND: "
    "\"C:\\Users\\neo\\AppData\\Local\\Temp\\a.dll\" "
    "PATH: C:\\ProgramData\\ KEY: ENTRY: USER: 2017-07-12 14:13:32.823776 Alert: Notice:\n"
    "{\"type\":\"THOR "
    "message\",\"meta\":{\"time\":\"2025-10-08T13:47:09.410735961+02:00\",\"level\":\"Info\",\"module\":\"Startup\","
    "\"scan_id\":\"S-YQ9tIENkusM\",\"event_id\":\"\",\"hostname\":\"arch\"},\"message\":\"Thor Version: "
    "10.8.0\",\"fields\":{},"
    "\"log_version\":\"v3.0.0\"}\n"
    "2025/02/12 14:24:34 ASGARD_GENERIC: Info: "
    "{\"level\":\"INFO\",\"time\":\"2025-02-12T14:24:34+01:00\",\"component\":\"controller\","
    "\"pid\":8920,\"path\":\"C:\\\\WINDOWS\\\\System32\\\\asgard2-agent\\\\bin\\\\generic.exe\"}\n";

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

// How often each byte comes, as a share; never quite 0.
double share_of(const ByteSet& bytes) {
  static const std::array<double, 256> kShares = [] {
    std::array<double, 256> shares{};
    for (const char c : kUsualText) shares[static_cast<unsigned char>(c)] += 1;
    for (double& share : shares) share = (share + 0.1) / (static_cast<double>(kUsualText.size()) + 25.6);
    return shares;
  }();
  double sum = 0;
  bytes.for_each([&sum](unsigned char byte) { sum += kShares[byte]; });
  return sum;
}

using Bytes = std::vector<ByteSet>;

// Where in the usual text a byte of the set stands. Asked for again and again: each set is looked for once.
using Places = std::bitset<kUsualText.size()>;
const Places& places_of(const ByteSet& bytes) {
  constexpr std::size_t kMostSets = 4096;
  thread_local std::map<std::array<std::uint64_t, 4>, Places> known;
  if (known.size() >= kMostSets) known.clear();
  const auto [entry, fresh] = known.try_emplace(bytes.words());
  if (fresh) {
    for (std::size_t at = 0; at < kUsualText.size(); ++at)
      entry->second[at] = bytes.has(static_cast<unsigned char>(kUsualText[at]));
  }
  return entry->second;
}

// How often these bytes come in a row, for each byte of text: as counted, and as guessed from the bytes alone.
double rate_of(const ByteSet* first, std::size_t count) {
  double guess = 1;
  for (std::size_t i = 0; i < count; ++i) guess *= share_of(first[i]);
  Places all = places_of(first[0]);
  for (std::size_t i = 1; i < count && all.any(); ++i) all &= places_of(first[i]) >> i;
  return static_cast<double>(all.count()) / static_cast<double>(kUsualText.size()) + guess;
}

// Of the whole windows, and of their keys.
struct Rates {
  double whole = 0, keys = 0;
  // A key costs a closer look; a whole window costs RE2 a look at the line.
  double cost() const noexcept { return whole + keys / 50; }
};
Rates rates_of(const std::vector<Window>& windows) {
  Rates rates;
  for (const Window& window : windows) {
    rates.whole += rate_of(window.bytes.data(), window.bytes.size());
    rates.keys += rate_of(window.bytes.data() + window.key, Window::kLength);
  }
  return rates;
}

Window window_of(Bytes bytes, std::uint32_t owner) {
  Window window{std::move(bytes), 0, owner};
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t key = 0; key + Window::kLength <= window.bytes.size(); ++key) {
    const double rate = rate_of(window.bytes.data() + key, Window::kLength);
    if (rate >= least) continue;
    least = rate;
    window.key = key;
  }
  return window;
}

double badness(const std::string& literal) {
  static const std::string kUsual = lowered(kUsualText);
  if (kUsual.find(literal) != std::string::npos) return 1;
  return 1e-4 / static_cast<double>(literal.size() * literal.size());
}

// ---- windows out of a sequence

// All that may stand in the `count` bytes behind a place in the sequence (before it, when the sequence is turned
// round). False: too many, or a match needn't have as many bytes there.
bool spell(const Sequence& sequence, std::size_t part, int used, std::size_t count, Bytes& so_far,
           std::vector<Bytes>& all) {
  if (so_far.size() == count) {
    all.push_back(so_far);
    return all.size() <= kMaxWindows;
  }
  // A match may end there, and the text with it.
  if (part == sequence.size() || sequence[part].opaque) return false;
  const SequencePart& here = sequence[part];
  if (here.most == kNoLimit || used < here.most) {
    so_far.push_back(here.bytes);
    const bool fits = spell(sequence, part, used + 1, count, so_far, all);
    so_far.pop_back();
    if (!fits) return false;
  }
  return used < here.least || spell(sequence, part + 1, 0, count, so_far, all);
}

// The windows of `length` that reach `before` bytes back from the boundary in front of a part.
std::vector<Window> windows_at(const Sequence& sequence, const Sequence& reversed, std::size_t boundary,
                               std::size_t before, std::size_t length, std::uint32_t owner) {
  std::vector<Bytes> left;
  std::vector<Bytes> right;
  Bytes scratch;
  if (!spell(reversed, sequence.size() - boundary, 0, before, scratch, left)) return {};
  if (!spell(sequence, boundary, 0, length - before, scratch, right)) return {};
  if (left.size() * right.size() > kMaxWindows) return {};
  std::vector<Window> windows;
  for (const Bytes& first : left) {
    for (const Bytes& second : right) {
      Bytes bytes(first.rbegin(), first.rend());
      bytes.insert(bytes.end(), second.begin(), second.end());
      windows.push_back(window_of(std::move(bytes), owner));
    }
  }
  return windows;
}

std::vector<Window> rarest_windows(const Sequence& sequence, std::uint32_t owner) {
  const Sequence reversed(sequence.rbegin(), sequence.rend());
  std::vector<Window> best;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t boundary = 0; boundary <= sequence.size(); ++boundary) {
    for (const std::size_t length : kLengths) {
      for (std::size_t before = 0; before <= length; before += length > kPlaced ? length : 1) {
        std::vector<Window> windows = windows_at(sequence, reversed, boundary, before, length, owner);
        if (windows.empty()) continue;
        const Rates rates = rates_of(windows);
        if (rates.whole >= kTooCommon || rates.cost() >= least) continue;
        least = rates.cost();
        best = std::move(windows);
      }
    }
  }
  return best;
}

}  // namespace

std::string_view usual_text() noexcept { return kUsualText; }

std::vector<std::string> required_literals(const std::string& pattern) {
  re2::FilteredRE2 filter(static_cast<int>(LiteralFilter::kShortest));
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  int id = 0;
  if (filter.Add(pattern, options, &id) != RE2::NoError) return {};
  std::vector<std::string> literals;
  filter.Compile(&literals);
  if (literals.empty() || literals.size() > kMaxLiterals) return {};

  // RE2 tells what a pattern requires only as an answer to "could it match a text with these literals?". A set of
  // literals will do when the pattern can't match a text that holds all the others. Take away what can be spared, the
  // most common first.
  std::vector<std::size_t> order(literals.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return badness(literals[a]) > badness(literals[b]); });
  std::vector<bool> needed(literals.size(), true);
  const auto will_do = [&] {
    std::vector<int> others;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i]) others.push_back(static_cast<int>(i));
    }
    std::vector<int> potential;
    filter.AllPotentials(others, &potential);
    return potential.empty();
  };
  if (!will_do()) return {};
  for (const std::size_t i : order) {
    needed[i] = false;
    if (!will_do()) needed[i] = true;
  }
  std::vector<std::string> kept;
  double sum = 0;
  for (std::size_t i = 0; i < literals.size(); ++i) {
    if (!needed[i]) continue;
    sum += badness(literals[i]);
    kept.push_back(literals[i]);
  }
  if (sum >= 1) kept.clear();
  return kept;
}

std::vector<Window> best_windows(std::string_view pattern, const std::vector<std::string>& literals,
                                 std::uint32_t owner) {
  std::vector<Window> known;
  for (const std::string& literal : literals) known.push_back(window_of_literal(literal, owner));
  std::vector<Window> own = required_windows(pattern, owner);
  const bool better = known.empty() || (!own.empty() && rates_of(own).cost() < rates_of(known).cost());
  return better ? own : known;
}

Window window_of_literal(const std::string& literal, std::uint32_t owner) {
  Bytes bytes(literal.size());
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const auto byte = static_cast<unsigned char>(literal[i]);
    bytes[i].add(byte);
    // Latin-1 letters differ in the same bit as ASCII's.
    const bool is_letter = (byte >= 'a' && byte <= 'z') || byte >= 0xC0;
    if (is_letter) bytes[i].add(static_cast<unsigned char>(byte ^ 0x20U));
  }
  return window_of(std::move(bytes), owner);
}

std::vector<Window> required_windows(std::string_view pattern, std::uint32_t owner) {
  const auto sequences = sequences_of(pattern);
  if (!sequences) return {};
  std::vector<Window> all;
  for (const Sequence& sequence : *sequences) {
    const std::vector<Window> windows = rarest_windows(sequence, owner);
    if (windows.empty()) return {};
    all.insert(all.end(), windows.begin(), windows.end());
  }
  return rates_of(all).whole < kTooCommon ? all : std::vector<Window>();
}

}  // namespace thorlog
