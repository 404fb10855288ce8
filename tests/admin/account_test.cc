#include "admin/account.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

PipelineView balanced_view() {
  PipelineView view;
  InputView input;
  input.name = "tcp";
  input.books.received = 100;
  input.books.emitted = 80;
  input.books.joined = 10;
  input.books.held = 3;
  input.books.refused[static_cast<std::size_t>(RefuseReason::rate_limit)] = 7;
  input.stored = 75;  // five are on their way to the journal
  view.inputs.push_back(input);
  view.log.stored = {75};
  view.log.internal = 2;
  view.log.total = 77;
  OutputView output;
  output.name = "siem";
  output.state.stored = 77;
  output.state.books.acknowledged = 60;
  output.state.books.filtered = 2;
  output.state.books.dropped[static_cast<std::size_t>(DropReason::expired)] = 5;
  output.state.pending = 10;
  view.outputs.push_back(output);
  return view;
}

TEST(Account, BalancesWhenEveryLineIsSomewhere) {
  const Account account = make_account(balanced_view());
  EXPECT_TRUE(account.balanced);
  EXPECT_EQ(account_json(account),
            R"({"balanced":true,"inputs":{"tcp":{"received":100,"stored":75,"joined":10,"held":8,)"
            R"("refused":{"rate_limit":7},"balanced":true}},"journal":{"stored":77,"internal":2,"balanced":true},)"
            R"("outputs":{"siem":{"stored":77,"acknowledged":60,"filtered":2,"pending":10,)"
            R"("dropped":{"expired":5},"balanced":true}}})");
}

TEST(Account, TellsWhichLawIsBroken) {
  PipelineView lost_in_input = balanced_view();
  ++lost_in_input.inputs[0].books.received;
  EXPECT_FALSE(make_account(lost_in_input).inputs[0].balanced);

  PipelineView stored_from_nowhere = balanced_view();
  stored_from_nowhere.inputs[0].stored = 81;
  EXPECT_FALSE(make_account(stored_from_nowhere).inputs[0].balanced);

  PipelineView lost_in_journal = balanced_view();
  --lost_in_journal.log.total;
  EXPECT_FALSE(make_account(lost_in_journal).journal_balanced);

  PipelineView lost_in_output = balanced_view();
  --lost_in_output.outputs[0].state.pending;
  EXPECT_FALSE(make_account(lost_in_output).outputs[0].balanced);
  EXPECT_FALSE(make_account(lost_in_output).balanced);
}

}  // namespace
}  // namespace thorlog
