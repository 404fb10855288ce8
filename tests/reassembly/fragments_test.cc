// F1 to F30 of the domain notes and more, from data files, as they are and with the stream cut everywhere.
#include <set>

#include "fragment_file.h"
#include "harness.h"

namespace thorlog {
namespace {

const std::string kFolder = std::string(THORLOG_SOURCE_DIR) + "/tests/data/reassembly/";

// The steps with each read cut in two at `cut` bytes from the beginning of all of them.
std::vector<Step> cut_at(const std::vector<Step>& steps, std::size_t cut) {
  std::vector<Step> result;
  std::size_t passed = 0;
  for (const Step& step : steps) {
    if (step.what == Step::What::bytes && cut > passed && cut < passed + step.bytes.size()) {
      result.push_back({Step::What::bytes, step.bytes.substr(0, cut - passed), 0});
      result.push_back({Step::What::bytes, step.bytes.substr(cut - passed), 0});
    } else {
      result.push_back(step);
    }
    passed += step.bytes.size();
  }
  return result;
}

class Player {
 public:
  explicit Player(const FragmentCase& one) : harness_(options_of(one)), framer_(one.framing, 1U << 20) {
    StreamOptions options;
    options.datagrams = one.datagrams;
    options.split = one.split;
    options.trusted = one.trusted;
    stream_ = harness_.open(options);
    harness_.advance(one.clock);
    begin_ = harness_.now();
  }

  void play(const FragmentCase& one, const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      moments_.insert(ms());
      if (step.what == Step::What::wait) {
        harness_.advance(step.ms);
      } else if (step.what == Step::What::end) {
        harness_.end(stream_, framer_);
        stream_ = nullptr;
      } else if (one.datagrams) {
        const std::string_view bytes = strip_trailer(step.bytes);
        if (!bytes.empty()) harness_.offer(stream_, bytes);
      } else {
        harness_.feed(stream_, framer_, step.bytes);
      }
    }
  }

  void compare(const FragmentCase& one) {
    ASSERT_EQ(harness_.lines.size(), one.wanted.size()) << harness_.text();
    for (std::size_t i = 0; i < one.wanted.size(); ++i) {
      const Got& got = harness_.lines[i];
      const Wanted& wanted = one.wanted[i];
      EXPECT_EQ(got.raw, wanted.raw) << "line " << i;
      EXPECT_EQ(names_of(got.flags), names_of(wanted.flags)) << "line " << i << ": " << got.raw.substr(0, 100);
      EXPECT_EQ(got.parts, wanted.parts) << "line " << i;
      EXPECT_EQ(got.frames, wanted.frames == 0 ? wanted.parts : wanted.frames) << "line " << i;
      const auto at = static_cast<int>((got.at - begin_) / Harness::kMs);
      if (wanted.at >= 0) {
        EXPECT_EQ(at, wanted.at) << "line " << i;
      } else {
        EXPECT_TRUE(moments_.count(at)) << "line " << i << " left by a timer, at " << at << " ms";
      }
    }
  }

 private:
  static ReassemblyOptions options_of(const FragmentCase& one) {
    ReassemblyOptions options;
    options.cut_sizes = one.cuts;
    return options;
  }
  int ms() const { return static_cast<int>((harness_.now() - begin_) / Harness::kMs); }

  Harness harness_;
  StreamFramer framer_;
  Reassembler::Stream* stream_ = nullptr;
  std::int64_t begin_ = 0;
  std::set<int> moments_;
};

class Fragments : public ::testing::TestWithParam<FragmentCase> {};

TEST_P(Fragments, BecomeTheWantedRecords) {
  Player player(GetParam());
  player.play(GetParam(), GetParam().steps);
  player.compare(GetParam());
}

TEST_P(Fragments, AreTheSameHoweverTheStreamIsCut) {
  const FragmentCase& one = GetParam();
  if (one.datagrams || one.burst) return;  // what comes in one read stays in one
  std::size_t size = 0;
  for (const Step& step : one.steps) size += step.bytes.size();
  const std::size_t stride = size < 2000 ? 1 : size / 499;  // never a divisor of the sizes in question
  for (std::size_t cut = 1; cut < size; cut += stride) {
    SCOPED_TRACE("cut at " + std::to_string(cut));
    Player player(one);
    player.play(one, cut_at(one.steps, cut));
    player.compare(one);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

std::vector<FragmentCase> all_cases() {
  std::vector<FragmentCase> cases;
  for (const char* file : {"fragments.txt", "rules.txt"})
    for (FragmentCase& one : read_fragments(kFolder + file)) cases.push_back(std::move(one));
  return cases;
}

std::string name_for_test(const ::testing::TestParamInfo<FragmentCase>& info) {
  std::string name;
  for (const char c : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Data, Fragments, ::testing::ValuesIn(all_cases()), name_for_test);

}  // namespace
}  // namespace thorlog
