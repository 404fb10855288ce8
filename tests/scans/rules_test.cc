// Rules of users: what they find, how they count, and what a wrong one is told.
#include <gtest/gtest.h>

#include "lab.h"
#include "scans/rules.h"

namespace thorlog {
namespace {

std::shared_ptr<const RuleSet> rules_of(const std::string& text) {
  std::vector<ConfigError> errors;
  const std::vector<RuleFile> files = {{"own.yaml", text}};
  auto rules = RuleSet::load(files, errors);
  for (const ConfigError& error : errors) ADD_FAILURE() << error.message();
  return rules;
}

std::vector<std::string> errors_of(const std::string& text) {
  std::vector<ConfigError> errors;
  const std::vector<RuleFile> files = {{"own.yaml", text}};
  EXPECT_EQ(RuleSet::load(files, errors), nullptr);
  std::vector<std::string> texts;
  for (const ConfigError& error : errors) texts.push_back(error.message());
  return texts;
}

std::string finding(const std::string& host, const std::string& scan, const std::string& tool) {
  return "<190>Mar  2 08:00:00 " + host + "/10.0.0.1 THOR: Alert: MODULE: Filescan MESSAGE: Found " + tool +
         " in memory SCANID: " + scan + " SCORE: 100";
}

constexpr const char* kBurst = R"(rules:
  - name: burst
    match: { kind: thor, level: ">=warning", message: { regex: 'Found (?P<tool>\w+)' } }
    count: 3
    within: 10m
    quiet: 1h
    detection: { type: credential_theft, severity: critical, summary: "{count} times {tool} on {asset}" }
)";

TEST(Rules, TheBuiltInOnesLoad) { EXPECT_GT(RuleSet::built_in()->signals().size(), 30U); }

TEST(Rules, CountWithinTheirTimeForEachAsset) {
  Lab lab({}, rules_of(kBurst));
  const auto say = [&lab](double at, const std::string& host) {
    lab.at(at);
    lab.say(finding(host, "S-A", "mimikatz"));
  };
  say(0, "h1");
  say(60, "h2");
  say(300, "h1");
  say(700, "h1");  // the first one is more than ten minutes ago
  EXPECT_TRUE(lab.told.empty());
  say(800, "h1");
  ASSERT_EQ(lab.told.size(), 1U);
  const Detection& told = lab.told[0];
  EXPECT_EQ(told.type_name, "credential_theft");
  EXPECT_EQ(told.severity, "critical");
  EXPECT_EQ(told.level, Level::alert);
  EXPECT_EQ(told.summary, "3 times mimikatz on h1");
  ASSERT_EQ(told.evidence.size(), 1U);
  for (const double at : {810, 820, 830, 840}) say(at, "h1");
  EXPECT_EQ(lab.told.size(), 1U) << "it is quiet for an hour";
}

TEST(Rules, CountForEachScan) {
  std::string text = kBurst;
  text.replace(text.find("count: 3"), 8, "per: scan\n    count: 2");
  Lab lab({}, rules_of(text));
  lab.say(finding("h1", "S-A", "x"));
  lab.say(finding("h1", "S-B", "x"));
  EXPECT_TRUE(lab.told.empty());
  lab.say(finding("h1", "S-B", "y"));
  ASSERT_EQ(lab.told.size(), 1U);
  EXPECT_EQ(lab.told[0].summary, "2 times y on h1");
}

TEST(Rules, KeepCountingOverARestart) {
  const auto rules = rules_of(kBurst);
  std::string blob;
  struct Keeper : Lab {
    using Lab::Lab;
    std::string* to = nullptr;
    void on_state(std::string_view key, std::string_view value) override {
      if (key == "rules") *to = value;
    }
  } first({}, rules);
  first.to = &blob;
  first.say(finding("h1", "S-A", "x"));
  first.say(finding("h1", "S-A", "x"));
  first.watch->collect(~std::size_t{0});
  ASSERT_FALSE(blob.empty());
  Lab second({}, rules);
  second.watch->load_state("rules", blob);
  second.say(finding("h1", "S-A", "x"));
  EXPECT_EQ(second.told.size(), 1U);
}

TEST(Rules, SayWhatIsWrongAndWhere) {
  {
    const auto errors = errors_of(
        "rules:\n  - name: a\n    match: { kind: thor, message: { regex: '(' } }\n    detection: { type: b }\n");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].substr(0, 14), "own.yaml:3:44:") << errors[0];
  }
  const auto all = errors_of(
      "rules:\n  - nam: a\n    match: { kind: thor }\n    count: 2\n    detection: { type: scan_lost, summary: 'x "
      "{nobody}' }\n");
  ASSERT_GE(all.size(), 4U);
  EXPECT_NE(all[0].find("own.yaml:2:5: unknown key 'nam'"), std::string::npos) << all[0];
  const auto has = [&all](std::string_view text) {
    for (const std::string& error : all)
      if (error.find(text) != std::string::npos) return true;
    return false;
  };
  EXPECT_TRUE(has("needs 'name'"));
  EXPECT_TRUE(has("'scan_lost' is a type of thorlogd's own"));
  EXPECT_TRUE(has("placeholder 'nobody'"));
  EXPECT_TRUE(has("needs 'within'"));
}

TEST(Rules, APatternIsBounded) {
  const auto with = [](const std::string& pattern) {
    return errors_of("rules:\n  - name: a\n    match: { kind: thor, message: { regex: '" + pattern +
                     "' } }\n    detection: { type: b }\n");
  };
  for (const std::string& pattern : {std::string("((((a{100}){10}){10}){10})"), std::string(5000, 'a')}) {
    const auto errors = with(pattern);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].substr(0, 14), "own.yaml:3:44:") << errors[0];
  }
  const auto signal =
      errors_of("signals:\n  - { signal: end, kind: thor, message: '^((((a{100}){10}){10}){10})' }\n");
  ASSERT_EQ(signal.size(), 1U);
  EXPECT_EQ(signal[0].substr(0, 14), "own.yaml:2:41:") << signal[0];
}

TEST(Rules, ASignalMustBeAnchored) {
  const auto errors = errors_of("signals:\n  - { signal: end, kind: thor, message: 'finished' }\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].find("own.yaml:2:41: the pattern of a signal begins with ^"), std::string::npos) << errors[0];
}

TEST(Rules, ANewWordingOfASignal) {
  Lab lab({}, rules_of(
                  "signals:\n  - { signal: disk_full, kind: thor, module: Rescontrol, message: '^Disk is full' }\n"));
  lab.say("<190>Mar  2 08:00:00 h1/10.0.0.1 THOR: Info: MODULE: Startup MESSAGE: Thor Version: 11.0 SCANID: S-A");
  lab.say("<190>Mar  2 08:00:00 h1/10.0.0.1 THOR: Error: MODULE: Rescontrol MESSAGE: Disk is full, bye SCANID: S-A");
  ASSERT_EQ(lab.told.size(), 2U);
  EXPECT_EQ(lab.told[1].cause, "disk_full");
}

}  // namespace
}  // namespace thorlog
