// Reload: everything new is built and bound first, then swapped. An error on the way leaves all as it was.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "config/diff.h"
#include "inputs/input_tls.h"
#include "pipeline/pipeline.h"

namespace thorlog {
namespace {

// What of an input can change without its sockets being opened anew.
bool same_socket(const InputSettings& a, const InputSettings& b) {
  return a.type == b.type && a.listen == b.listen && a.path == b.path && a.tls.has_value() == b.tls.has_value();
}

// The new one could not be bound beside the old one.
bool needs_restart(const InputSettings& a, const InputSettings& b) {
  return a.listen.is_set() && a.listen == b.listen && !same_socket(a, b) && a.type != InputType::udp &&
         b.type != InputType::udp;
}

bool same_framing(const InputSettings& a, const InputSettings& b) {
  return a.framing == b.framing && a.max_message == b.max_message && a.receive_buffer == b.receive_buffer;
}

// Kafka: a new reader beside the old one would read everything twice.
bool same_source(const InputSettings& a, const InputSettings& b) {
  return a.brokers == b.brokers && a.topic == b.topic && a.partitions == b.partitions && a.settings == b.settings;
}

template <class List>
auto find_by_name(List& list, const std::string& name) {
  return std::find_if(list.begin(), list.end(), [&](const auto& each) { return each.name == name; });
}

}  // namespace

struct Pipeline::Plan {
  Settings next;
  SettingsDiff changes;
  std::vector<PlannedInput> new_inputs;
  std::vector<std::pair<std::size_t, InputSettings>> updated_inputs;  // slot
  std::vector<InputRules> updated_rules;                              // of updated_inputs
  std::vector<std::size_t> removed_inputs;                            // slot
  std::vector<Outlet> new_outputs;
  std::shared_ptr<const RuleSet> rules;  // of the scan watch; read again each time
};

Status Pipeline::reload(const Settings& next, std::vector<std::string>& notes) {
  Plan plan;
  if (Status made = make_plan(next, plan, notes); !made) return made;
  const auto update_scans = [&] {
    if (scan_thread_) scan_thread_->update(next.scans, plan.rules);
  };
  if (plan.changes.empty()) {
    for (const auto& [slot, settings] : plan.updated_inputs) slots_[slot].input->update(settings);  // certificates
    read_files_again(plan);
    update_scans();
    notes.emplace_back("nothing has changed");
    return ok();
  }
  if (next.identity != settings_.identity) {
    if (Status loaded = tables_.load(next.identity); !loaded) {
      // load() replaces only what it could read; the old files are read again to be as before.
      [[maybe_unused]] const Status back = tables_.load(settings_.identity);
      return loaded;
    }
  }
  update_scans();
  carry_out(plan);
  return ok();
}

Status Pipeline::make_plan(const Settings& next, Plan& plan, std::vector<std::string>& notes) {
  plan.next = next;
  plan.changes = diff(settings_, next);
  for (const std::string& key : plan.changes.needs_restart) notes.push_back(key + " changes at the next restart");
  for (const std::string& section : plan.changes.sections) {
    if (section == "scans" && next.scans.enabled == settings_.scans.enabled) continue;
    if (section != "identity" && section != "log") notes.push_back(section + ": changes apply at the next restart");
  }
  if (Status usable = check_input_tls(next.inputs); !usable) return usable;
  if (auto rules = load_rules(next.scans)) {
    plan.rules = *std::move(rules);
  } else {
    return fail(std::move(rules).error());
  }
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot].input) continue;
    const auto found = find_by_name(next.inputs, slots_[slot].settings.name);
    if (found != next.inputs.end() && needs_restart(slots_[slot].settings, *found)) {
      return fail(
          {Errc::config, fmt::format("input '{}': on an address that stays, its type, and whether it has tls, "
                                     "change at a restart only",
                                     found->name)});
    }
    if (found == next.inputs.end() || !same_socket(slots_[slot].settings, *found)) {
      plan.removed_inputs.push_back(slot);
      continue;
    }
    if (!same_framing(slots_[slot].settings, *found)) {
      notes.push_back(
          fmt::format("input '{}': framing, max_message and receive_buffer change at the next restart", found->name));
    }
    if (!same_source(slots_[slot].settings, *found)) {
      notes.push_back(
          fmt::format("input '{}': brokers, topic, partitions and settings change at the next restart", found->name));
    }
    auto rules = rules_of(*found);
    if (!rules) return fail(std::move(rules).error());
    rules->short_hostname = next.identity.short_hostname;
    plan.updated_inputs.emplace_back(slot, *found);
    plan.updated_rules.push_back(*std::move(rules));
  }
  for (const InputSettings& settings : next.inputs) {
    const bool kept = std::any_of(plan.updated_inputs.begin(), plan.updated_inputs.end(),
                                  [&](const auto& each) { return each.second.name == settings.name; });
    if (kept) continue;
    auto planned = plan_input(settings, next.inputs);
    if (!planned) return fail(std::move(planned).error());
    plan.new_inputs.push_back(*std::move(planned));
  }
  for (const std::string& name : plan.changes.outputs.added) {
    const OutputSettings& settings = *find_by_name(next.outputs, name);
    auto output = OutputRunner::open(settings, output_environment());
    if (!output) return fail(std::move(output).error());
    plan.new_outputs.push_back({settings, *std::move(output)});
  }
  return ok();
}

void Pipeline::carry_out(Plan& plan) {
  settings_ = std::move(plan.next);
  for (PlannedInput& planned : plan.new_inputs) put_input(std::move(planned));
  for (std::size_t i = 0; i < plan.updated_inputs.size(); ++i) {
    auto& [slot, settings] = plan.updated_inputs[i];
    slots_[slot].input->update(settings);
    set_rules(slot, plan.updated_rules[i]);
    const std::lock_guard lock(mutex_);
    slots_[slot].settings = settings;
  }
  for (const std::size_t slot : plan.removed_inputs) {
    detach(slot);
    const std::lock_guard lock(mutex_);
    slots_[slot].input.reset();
  }
  read_files_again(plan);
  for (const std::string& name : plan.changes.outputs.changed) {
    for (Outlet& output : outputs_) {
      if (output.settings.name != name) continue;
      const OutputSettings& settings = *find_by_name(settings_.outputs, name);
      if (Status updated = output.runner->update(settings); !updated) {
        log(Severity::error, "output " + name, updated.error().message() + "; it goes on as before");
        continue;
      }
      const std::lock_guard lock(mutex_);
      output.settings = settings;
    }
  }
  for (Outlet& output : plan.new_outputs) {
    output.runner->start();
    const std::lock_guard lock(mutex_);
    outputs_.push_back(std::move(output));
  }
  for (const std::string& name : plan.changes.outputs.removed) remove_output(name);
}

// Outputs whose settings have stayed read their keys, templates and certificates again, and open their files anew.
void Pipeline::read_files_again(const Plan& plan) {
  const auto& changed = plan.changes.outputs.changed;
  for (Outlet& output : outputs_) {
    if (std::find(changed.begin(), changed.end(), output.settings.name) == changed.end()) output.runner->reopen();
  }
}

void Pipeline::remove_output(const std::string& name) {
  Outlet gone;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(outputs_.begin(), outputs_.end(),
                                    [&](const Outlet& each) { return each.settings.name == name; });
    if (found == outputs_.end()) return;
    gone = std::move(*found);
    outputs_.erase(found);
  }
  gone.runner->drop_before(journal_->state().end, DropReason::removed);
  gone.runner->stop(std::chrono::milliseconds(0));
  const OutputSnapshot last = gone.runner->snapshot();
  gone.runner.reset();
  // An output that gets this name later is a new one; what this one has done can still be looked up.
  const std::string folder = settings_.state_directory + "/cursors";
  const std::string archived = fmt::format("{}/{}.{}.removed", folder, name, clock_.wall());
  if (Status moved = files_.rename(folder + "/" + name + ".cur", archived, FaultPoint::none); !moved) {
    log(Severity::warning, "output " + name, moved.error().message());
  }
  log(Severity::notice, "output " + name,
      fmt::format("removed: {} acknowledged, {} pending given up", last.books.acknowledged,
                  last.books.dropped[static_cast<std::size_t>(DropReason::removed)]));
}

void Pipeline::put_input(PlannedInput planned) {
  // A name that comes back goes on with its books.
  std::size_t slot = 0;
  {
    const std::lock_guard lock(mutex_);
    while (slot < slots_.size() && (slots_[slot].input || slots_[slot].number != planned.number)) ++slot;
    if (slot == slots_.size()) slots_.emplace_back();
  }
  set_rules(slot, planned.rules);
  {
    const std::lock_guard lock(mutex_);
    slots_[slot] = {std::move(planned.settings), std::move(planned.input), planned.number};
  }
  attach(slot);
}

void Pipeline::set_rules(std::size_t slot, const InputRules& rules) {
  for (const auto& worker : workers_) worker->run_and_wait([&] { worker->intake().set_rules(slot, rules); });
}

}  // namespace thorlog
