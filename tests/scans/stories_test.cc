// The stories of tests/data/scans/stories.txt: who says what when, and what is told. Whatever is told and not listed
// is a fault, so each trap is a story that lists nothing.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/tables.h"
#include "lab.h"

namespace thorlog {
namespace {

struct Step {
  double at = 0;
  std::string verb, rest;
};
struct Story {
  std::string name;
  std::vector<Step> steps;
  std::vector<std::string> tells;  // "type cause id", in the order of time
  std::set<int> traps;             // of the notes on false positives
};

double seconds_of(const std::string& text) {
  std::size_t end = 0;
  const double number = std::stod(text, &end);
  const std::string unit = text.substr(end);
  return number * (unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 1);
}

std::vector<Story> read_stories() {
  std::ifstream in(std::string(THORLOG_SOURCE_DIR) + "/tests/data/scans/stories.txt");
  std::vector<Story> stories;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string first;
    words >> first;
    std::string rest;
    if (first == "story:") {
      std::getline(words >> std::ws, rest);
      stories.push_back({rest, {}, {}, {}});
    } else if (first == "trap:") {
      for (int trap = 0; words >> trap;) stories.back().traps.insert(trap);
    } else if (first == "tell:") {
      std::getline(words >> std::ws, rest);
      if (!rest.empty()) stories.back().tells.push_back(rest);
    } else {
      Step step;
      step.at = seconds_of(first);
      words >> step.verb;
      std::getline(words >> std::ws, step.rest);
      stories.back().steps.push_back(step);
    }
  }
  return stories;
}

// "A", "A@h2", "A@h2/7": the scan, its host, and the stream by which it speaks.
struct Who {
  std::string id, host = "h1", scan_id;
  std::uint32_t stream = 1;
};

Who who_of(std::string_view name) {
  Who who;
  const std::size_t slash = name.find('/');
  if (slash != std::string_view::npos)
    who.stream = static_cast<std::uint32_t>(std::stoul(std::string(name.substr(slash + 1))));
  name = name.substr(0, slash);
  const std::size_t at = name.find('@');
  who.id = name.substr(0, at);
  if (at != std::string_view::npos) who.host = name.substr(at + 1);
  who.scan_id = who.id == "-" ? "" : "S-" + who.id;
  return who;
}

class Teller {
 public:
  explicit Teller(Lab& lab) : lab_(lab) {}

  void tell(const Step& step) {
    // Of a downtime nobody knows before the life record, of a pause its input tells while it lasts.
    if (step.verb == "life")
      lab_.now = Lab::kBegin + static_cast<std::int64_t>(step.at * 1e9);
    else if (step.verb != "deaf")
      lab_.at(step.at);
    std::istringstream words(step.rest);
    std::string first;
    words >> first;
    std::string rest;
    std::getline(words >> std::ws, rest);
    const Who who = who_of(first.empty() ? "-" : first);
    if (step.verb == "start") {
      const std::string arguments = rest.empty() ? "--quick" : rest;
      thor(who, "Info", "Startup", "Thor Version: 10.7.29");
      thor(who, "Info", "Startup", "Thor Scan started");
      thor(who, "Info", "Startup", "Effective argument list: [" + arguments + "]");
    } else if (step.verb == "find") {
      thor(who, "Warning", rest.empty() ? "Filescan" : rest, "Suspicious file found", " FILE: C:\\x SCORE: 60");
    } else if (step.verb == "info") {
      thor(who, "Info", "Filescan", "Starting module");
    } else if (step.verb == "end") {
      thor(who, "Info", "Report", "Thor Scan finished", " END_TIME: Mon Mar  2 08:00:00 2026");
    } else if (step.verb == "thor") {  // Level MODULE message
      std::istringstream parts(rest);
      std::string level, module, message;
      parts >> level >> module;
      std::getline(parts >> std::ws, message);
      thor(who, level, module, message);
    } else if (step.verb == "cef") {
      line(who, "Mar  2 08:00:00 " + who.host +
                    " CEF:0|Nextron Systems GmbH|THOR|10|611c94|Suspicious file found|8|sproc=Filescan "
                    "msg=Suspicious file found");
    } else if (step.verb == "interrupt") {
      agent(
          who,
          R"(Info: {"level":"INFO","message":"received interrupt signal, sending interrupt signal to subprocess...","component":"controller","pid":8920})");
    } else if (step.verb == "wait") {
      agent(
          who,
          R"(Info: {"level":"INFO","message":"waiting for graceful process stop...","component":"runner","path":"C:\\Temp\\asgard2-agent\\)" +
              (rest.empty() ? std::string("a3fb09b3-3169-465b-b78a-0b98a3aa7f4f") : rest) +
              R"(\\thor\\thor64.exe","timeout":"45s"})");
    } else if (step.verb == "run") {
      agent(who, R"(Info: {"level":"INFO","message":"running thor with args: [-l C:\\cache\\thorlog.)" + rest +
                     R"(.txt --resume]","component":"runner"})");
    } else if (step.verb == "agent") {
      agent(who, rest);
    } else if (step.verb == "os") {
      line(who, "<30>Mar  2 08:00:00 " + who.host + " " + rest, 9);
    } else if (step.verb == "event") {  // id provider
      std::istringstream parts(rest);
      std::string id, provider;
      parts >> id >> provider;
      line(who,
           "<14>Mar  2 08:00:00 " + who.host + " MSWinEventLog\t1\tSystem\t5\tMon Mar 02 08:00:00 2026\t" + id +
               "\t" + provider + "\tN/A\tN/A\tInformation\t" + who.host + "\tNone\t\ttext\t5",
           9);
    } else if (step.verb == "raw") {
      line(who, rest);
    } else if (step.verb == "doubtful") {
      lab_.say(thor_text(who, "Info", "Report", "Thor Scan finished", ""), "10.0.0.1:1", who.stream, flag::ambiguous);
    } else if (step.verb == "orphan") {
      lab_.say(rest, "10.0.0.1:40000", who.stream, flag::orphan);
    } else if (step.verb == "old") {
      lab_.say(thor_text(who, "Info", "Report", "Thor Scan finished", ""), "10.0.0.1:1", who.stream, flag::replayed,
               "file:1:2");
    } else if (step.verb == "life") {
      lab_.life(first);
    } else if (step.verb == "deaf") {
      for (double from = seconds_of(first); from < step.at; from += 1) {
        lab_.watch->deaf(1, Lab::kBegin + static_cast<std::int64_t>(from * 1e9),
                         Lab::kBegin + static_cast<std::int64_t>((from + 1) * 1e9));
        lab_.at(from + 1);
      }
    } else if (step.verb != "pass") {
      ADD_FAILURE() << "no such verb: " << step.verb;
    }
  }

 private:
  static std::string thor_text(const Who& who, const std::string& level, const std::string& module,
                               const std::string& message, const std::string& fields) {
    return "<190>Mar  2 08:00:00 " + who.host + "/10.0.0.1 THOR: " + level + ": MODULE: " + module +
           " MESSAGE: " + message + (who.scan_id.empty() ? "" : " SCANID: " + who.scan_id) + fields;
  }
  void thor(const Who& who, const std::string& level, const std::string& module, const std::string& message,
            const std::string& fields = "") {
    line(who, thor_text(who, level, module, message, fields));
  }
  void agent(const Who& who, const std::string& text) {
    line(who, "<14>Mar  2 08:00:00 " + who.host + " 2026/03/02 08:00:00 ASGARD_GENERIC: " + text, 8);
  }
  void line(const Who& who, const std::string& text, std::uint32_t stream = 0) {
    lab_.say(text, "10.0.0.1:" + std::to_string(40000 + who.stream), stream == 0 ? who.stream : stream);
  }

  Lab& lab_;
};

std::string short_form(const Detection& detection) {
  std::string text = detection.type_name;
  if (!detection.cause.empty()) text += " " + detection.cause;
  if (detection.type == DetectionType::scan_resumed) text += " " + std::to_string(detection.resumes);
  if (!detection.scan_id.empty()) text += " " + detection.scan_id.substr(2);
  if (detection.host != "h1") text += " @" + detection.host;
  if ((detection.flags & flag::replayed) != 0) text += " replayed";
  // Errors that nobody knows are surfaced as they are.
  const std::size_t colon = detection.summary.find(": ");
  if (detection.type == DetectionType::agent_error && detection.summary.find("task 13") == std::string::npos)
    text += " (" + detection.summary.substr(colon + 2) + ")";
  return text;
}

class Stories : public testing::TestWithParam<Story> {};

TEST_P(Stories, TellWhatTheyList) {
  Lab lab;
  Teller teller(lab);
  for (const Step& step : GetParam().steps) teller.tell(step);
  std::vector<std::string> told;
  for (const Detection& detection : lab.told) {
    told.push_back(short_form(detection));
    EXPECT_FALSE(detection.summary.empty());
    EXPECT_EQ(detection.key.size(), 32U);
  }
  EXPECT_EQ(told, GetParam().tells) << GetParam().name;
}

std::string name_for_gtest(const testing::TestParamInfo<Story>& info) {
  std::string name;
  for (const char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

// What the contract lists: types, and their causes.
const std::vector<std::string> kContract = {
    "scan_started",
    "scan_finished",
    "scan_resumed",
    "orderly_restart reboot",
    "orderly_restart agent_stop",
    "orderly_restart os_shutdown",
    "disorderly_restart boot",
    "disorderly_restart resume",
    "restart_loop",
    "scan_aborted max_runtime",
    "scan_aborted low_memory",
    "scan_aborted disk_full",
    "scan_aborted log_flood",
    "scan_aborted user",
    "scan_aborted crash",
    "scan_aborted agent_error",
    "log_reduced log_flood",
    "scan_suspect silence",
    "scan_suspect av_edr_suspected",
    "scan_recovered",
    "scan_lost killed_externally",
    "scan_lost asset_offline",
    "scan_lost not_resumed",
    "scan_lost unknown",
    "resume_limit_near",
    "resume_exhausted",
    "completion_unknown info_suppressed",
    "interrupt_ignored",
    "asset_booted clean",
    "asset_booted dirty",
    "asset_booted unknown",
    "asset_silent",
    "agent_error",
};
constexpr int kTraps = 24;

TEST(StoriesInAll, EachDetectionOfTheContractIsToldInOne) {
  std::set<std::string> told;
  for (const Story& story : read_stories()) told.insert(story.tells.begin(), story.tells.end());
  for (const std::string& wanted : kContract) {
    const auto found = told.lower_bound(wanted);
    EXPECT_TRUE(found != told.end() && found->substr(0, wanted.size()) == wanted) << wanted;
  }
  std::set<std::string> types;
  for (const std::string& row : kContract) types.insert(row.substr(0, row.find(' ')));
  EXPECT_EQ(types, std::set<std::string>(detection_types().begin(), detection_types().end()));
}

TEST(StoriesInAll, EachTrapHasOne) {
  std::set<int> traps;
  for (const Story& story : read_stories()) traps.insert(story.traps.begin(), story.traps.end());
  for (int trap = 1; trap <= kTraps; ++trap) EXPECT_TRUE(traps.contains(trap)) << "trap " << trap;
}

INSTANTIATE_TEST_SUITE_P(All, Stories, testing::ValuesIn(read_stories()), name_for_gtest);

}  // namespace
}  // namespace thorlog
