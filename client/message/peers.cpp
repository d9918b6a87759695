#include "client/message/peers.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/base/text.hpp"

namespace beckon::client::message {

const Peers::Entry* Peers::find(const std::string& peer, WallTime now) const {
  const auto found = entries_.find(peer);
  if (found == entries_.end()) return nullptr;
  // What seems to come from the future is no better than what is old: the clock was set.
  const auto age = now - found->second.since;
  return age >= WallTime::duration::zero() && age < believed_for ? &found->second : nullptr;
}

Peers::Form Peers::form_of(const std::string& peer, WallTime now) const {
  const Entry* const entry = find(peer, now);
  return entry == nullptr ? Form::unknown : entry->form;
}

bool Peers::takes_receipts(const std::string& peer, WallTime now) const {
  const Entry* const entry = find(peer, now);
  return entry == nullptr || !entry->refuses_receipts;
}

bool Peers::takes_typing(const std::string& peer, WallTime now) const {
  const Entry* const entry = find(peer, now);
  return entry == nullptr || !entry->refuses_typing;
}

template <class T>
bool Peers::learn(const std::string& peer, T Entry::* what, T value, WallTime now) {
  if (const Entry* const known = find(peer, now); known != nullptr && known->*what == value) return false;
  if (find(peer, now) == nullptr) entries_.erase(peer);
  Entry& entry = entries_[peer];
  entry.*what = value;
  entry.since = now;
  make_room();
  return true;
}

bool Peers::set_form(const std::string& peer, Form form, WallTime now) {
  return learn(peer, &Entry::form, form, now);
}

bool Peers::refuse_receipts(const std::string& peer, WallTime now) {
  return learn(peer, &Entry::refuses_receipts, true, now);
}

bool Peers::refuse_typing(const std::string& peer, WallTime now) {
  return learn(peer, &Entry::refuses_typing, true, now);
}

/// What was learned longest ago leaves.
void Peers::make_room() {
  if (entries_.size() <= peers_max) return;
  entries_.erase(
      std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.since; }));
}

std::string Peers::print() const {
  boost::json::object out;
  for (const auto& [peer, entry] : entries_) {
    boost::json::object facts{{"since", print_time(entry.since)}};
    if (entry.form != Form::unknown) facts["form"] = entry.form == Form::plain ? "plain" : "cpim";
    if (entry.refuses_receipts) facts["receipts"] = false;
    if (entry.refuses_typing) facts["typing"] = false;
    out[peer] = std::move(facts);
  }
  return boost::json::serialize(out);
}

Peers Peers::parse(std::string_view text) {
  Peers peers;
  ErrorCode error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return peers;
  for (const auto& [peer, facts] : value.as_object()) {
    if (!facts.is_object()) continue;
    const auto* const since = facts.as_object().if_contains("since");
    const auto time = since != nullptr && since->is_string() ? parse_time(since->as_string()) : std::nullopt;
    if (!time) continue;
    const auto refuses = [&object = facts.as_object()](std::string_view name) {
      const auto* const takes = object.if_contains(name);
      return takes != nullptr && takes->is_bool() && !takes->as_bool();
    };
    Entry entry{.refuses_receipts = refuses("receipts"), .refuses_typing = refuses("typing"), .since = *time};
    const auto* const form = facts.as_object().if_contains("form");
    if (form != nullptr && *form == "plain") entry.form = Form::plain;
    if (form != nullptr && *form == "cpim") entry.form = Form::cpim;
    peers.entries_[peer] = entry;
    peers.make_room();
  }
  return peers;
}

}  // namespace beckon::client::message
