#include "admin/account.h"

#include "base/json_writer.h"

namespace thorlog {
namespace {

InputAccount account_of(const InputView& input) {
  InputAccount account;
  account.name = input.name;
  account.received = input.books.received;
  account.stored = input.stored;
  account.joined = input.books.joined;
  // Records on their way from the worker to the journal wait, too.
  const std::uint64_t under_way = input.books.emitted - input.stored;
  account.held = input.books.held + under_way;
  std::uint64_t refused = 0;
  for (std::size_t i = 0; i < input.books.refused.size(); ++i) {
    if (input.books.refused[i] == 0) continue;
    refused += input.books.refused[i];
    account.refused.emplace_back(name_of(static_cast<RefuseReason>(i)), input.books.refused[i]);
  }
  account.balanced = input.books.emitted >= input.stored &&
                     account.received == account.stored + account.joined + account.held + refused;
  return account;
}

OutputAccount account_of(const OutputView& output) {
  const OutputSnapshot& state = output.state;
  OutputAccount account;
  account.name = output.name;
  account.stored = state.stored;
  account.acknowledged = state.books.acknowledged;
  account.filtered = state.books.filtered;
  account.pending = state.pending;
  for (std::size_t i = 0; i < state.books.dropped.size(); ++i) {
    if (state.books.dropped[i] == 0) continue;
    account.dropped.emplace_back(name_of(static_cast<DropReason>(i)), state.books.dropped[i]);
  }
  account.balanced =
      account.stored == account.acknowledged + account.filtered + account.pending + state.books.dropped_total();
  return account;
}

void write_reasons(JsonWriter& out, std::string_view name,
                   const std::vector<std::pair<std::string, std::uint64_t>>& reasons) {
  out.key(name).begin_object();
  for (const auto& [reason, count] : reasons) out.member(reason, count);
  out.end_object();
}

}  // namespace

Account make_account(const PipelineView& view) {
  Account account;
  account.stored = view.log.total;
  account.internal = view.log.internal;
  std::uint64_t from_inputs = 0;
  account.balanced = true;
  for (const InputView& input : view.inputs) {
    account.inputs.push_back(account_of(input));
    from_inputs += input.stored;
    account.balanced = account.balanced && account.inputs.back().balanced;
  }
  account.journal_balanced = account.stored == from_inputs + account.internal;
  for (const OutputView& output : view.outputs) {
    account.outputs.push_back(account_of(output));
    account.balanced = account.balanced && account.outputs.back().balanced;
  }
  account.balanced = account.balanced && account.journal_balanced;
  return account;
}

std::string account_json(const Account& account) {
  JsonWriter out;
  out.begin_object().member("balanced", account.balanced).key("inputs").begin_object();
  for (const InputAccount& input : account.inputs) {
    out.key(input.name).begin_object();
    out.member("received", input.received).member("stored", input.stored);
    out.member("joined", input.joined).member("held", input.held);
    write_reasons(out, "refused", input.refused);
    out.member("balanced", input.balanced).end_object();
  }
  out.end_object().key("journal").begin_object();
  out.member("stored", account.stored).member("internal", account.internal);
  out.member("balanced", account.journal_balanced).end_object().key("outputs").begin_object();
  for (const OutputAccount& output : account.outputs) {
    out.key(output.name).begin_object();
    out.member("stored", output.stored).member("acknowledged", output.acknowledged);
    out.member("filtered", output.filtered).member("pending", output.pending);
    write_reasons(out, "dropped", output.dropped);
    out.member("balanced", output.balanced).end_object();
  }
  return out.end_object().end_object().take();
}

}  // namespace thorlog
