#include "server/registrar/registrar.hpp"

#include <algorithm>
#include <memory>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::registrar {

using sip::HeaderId;

namespace {

/// REGISTERs of one AOR that may wait for the store; more come only from a broken client.
constexpr std::size_t waiting_max = 64;
/// Seconds of silence a client may leave on a connection (RFC 5626 4.4.1, header Flow-Timer), a little less
/// than what closes it.
std::int64_t flow_timer_seconds(Duration idle) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(idle).count();
  return std::max<std::int64_t>(1, seconds - seconds / 12);
}

const std::vector<Binding> no_bindings;

std::int64_t seconds_left(const Binding& binding, Now now) {
  const auto left = std::chrono::round<std::chrono::seconds>(binding.expires - now.mono);
  return std::max<std::int64_t>(0, left.count());
}

std::string contact_value(const Binding& binding, Now now) {
  return '<' + binding.contact + '>' + binding.parameters +
         ";expires=" + std::to_string(seconds_left(binding, now));
}

}  // namespace

Registrar::Registrar(Services& services) : services_(services), grace_(services.timers()) {}

const std::vector<Binding>& Registrar::bindings(std::string_view aor) const {
  const auto found = entries_.find(aor);
  return found == entries_.end() ? no_bindings : found->second.bindings;
}

std::vector<Binding> Registrar::targets(std::string_view aor, Now now) const {
  std::vector<Binding> found;
  for (const Binding& binding : bindings(aor)) {
    if (binding.suspended || binding.expires <= now.mono) continue;
    const auto twin = std::ranges::find_if(found, [&](const Binding& other) {
      return !binding.instance.empty() && other.instance == binding.instance;
    });
    if (twin == found.end()) {
      found.push_back(binding);
    } else if (twin->registered <= binding.registered) {
      *twin = binding;
    }
  }
  // clang 19 refuses the library's stable sort.
  std::ranges::sort(found, [](const Binding& a, const Binding& b) {
    return a.q != b.q ? a.q > b.q : a.registered < b.registered;
  });
  return found;
}

Serves Registrar::serves() const {
  return {.methods = {sip::Method::register_}, .options = {"path", "outbound"}};
}

Registrar::Entry& Registrar::entry(const std::string& aor) {
  return entries_.try_emplace(aor, services_.timers()).first->second;
}

void Registrar::on_request(const RequestPtr& request) {
  const auto to = request->message.to();
  if (!to) return services_.respond(*request, 400);
  const std::string aor = sip::canonical_aor(to->uri);
  if (!services_.settings().serves(to->uri.host)) return services_.respond(*request, 404);
  enqueue(aor, {[this, request](const std::vector<Binding>& current, Now now) {
                  return apply_register(request->message, request->from, current, services_.settings(), now);
                },
                request});
}

void Registrar::enqueue(const std::string& aor, Step step) {
  auto& waiting = entry(aor).waiting;
  if (step.request && waiting.size() >= waiting_max) return services_.respond(*step.request, 503);
  waiting.push_back(std::move(step));
  run(aor);
}

void Registrar::run(const std::string& aor) {
  const Now now = services_.clock().now();
  for (auto* place = &entry(aor); !place->committing && !place->waiting.empty();) {
    Step step = std::move(place->waiting.front());
    place->waiting.pop_front();
    take(aor, std::move(step), now);
  }
  forget_if_idle(aor);
}

void Registrar::take(const std::string& aor, Step step, Now now) {
  Update update = step.apply(entry(aor).bindings, now);
  if (update.status != 200) {
    if (step.request) services_.respond(*step.request, refusal_of(*step.request, update));
  } else if (update.changes.empty()) {
    if (step.request) services_.respond(*step.request, answer_to(*step.request, update));
  } else {
    commit(aor, std::move(update), step, now);
  }
}

void Registrar::commit(const std::string& aor, Update update, const Step& step, Now now) {
  entry(aor).committing = true;
  store::Batch batch{.aor = aor, .changes = {}, .answer = {}};
  for (const Change& change : update.changes) {
    const bool ends = change.ends();
    batch.changes.push_back({.record = {store::Kind::binding, aor, key_of(change.binding),
                                        ends ? "" : print(change.binding, now)},
                             .erase = ends});
  }
  std::string response;
  if (step.request) {
    response = answer_to(*step.request, update);
    batch.answer = services_.answer(*step.request, aor, response);
    batch.deadline = step.request->now.mono + replay_time;
  }
  auto kept = std::make_shared<Update>(std::move(update));
  services_.store().commit(std::move(batch), [this, aor, kept, request = step.request,
                                              response](const Result<store::Version>& done) {
    const Now at = services_.clock().now();
    if (done) {
      committed(aor, std::move(*kept), at);
      if (request) services_.respond(*request, response);
    } else {
      log::error("registrar", "{} not stored: {}", aor, done.error().message());
      if (request) services_.respond(*request, done.error() == store::Errc::late ? 503 : 500);
    }
    entry(aor).committing = false;
    arm(aor, entry(aor));
    run(aor);
  });
}

void Registrar::committed(const std::string& aor, Update update, Now now) {
  Entry& place = entry(aor);
  index_flows(aor, place.bindings, update.bindings);
  place.bindings = std::move(update.bindings);
  for (const Change& change : update.changes) {
    log::debug("registrar", "{} {} {}", aor, change.binding.contact, to_string(change.event));
    for (auto* observer : observers_) {
      observer->on_bindings_changed(aor, change.event, change.binding, place.bindings, now);
    }
  }
}

void Registrar::index_flows(const std::string& aor, const std::vector<Binding>& before,
                            const std::vector<Binding>& after) {
  for (const Binding& binding : before) {
    const auto [first, last] = flows_.equal_range(binding.received.flow);
    const auto found = std::find_if(first, last, [&](const auto& item) { return item.second == aor; });
    if (found != last) flows_.erase(found);
  }
  for (const Binding& binding : after) {
    if (binding.received.flow != 0) flows_.emplace(binding.received.flow, aor);
  }
}

void Registrar::arm(const std::string& aor, Entry& place) {
  const auto first = std::ranges::min_element(place.bindings, {}, &Binding::expires);
  if (first == place.bindings.end()) return place.expiry.cancel();
  place.expiry.set(first->expires, [this, aor](Time) { enqueue(aor, {apply_expiry, nullptr}); });
}

void Registrar::forget_if_idle(const std::string& aor) {
  const auto found = entries_.find(aor);
  if (found == entries_.end()) return;
  const Entry& place = found->second;
  if (place.bindings.empty() && place.waiting.empty() && !place.committing) entries_.erase(found);
}

void Registrar::on_flow_closed(transaction::FlowId flow, Now) {
  std::vector<std::string> aors;
  const auto [first, last] = flows_.equal_range(flow);
  for (auto item = first; item != last; ++item) aors.push_back(item->second);
  for (const std::string& aor : aors) {
    enqueue(aor,
            {[flow](const std::vector<Binding>& current, Now) { return apply_flow_closed(current, flow); },
             nullptr});
  }
}

void Registrar::restore(const store::Record& record, Now now) {
  if (record.kind != store::Kind::binding) return;
  auto binding = parse_binding(record.value, now);
  if (!binding) return log::warn("registrar", "{}: a stored binding cannot be read", record.aor);
  entry(record.aor).bindings.push_back(std::move(*binding));
}

void Registrar::restored(Now now) {
  for (auto& [aor, place] : entries_) arm(aor, place);
  grace_.set(now.mono + services_.settings().restart_grace, [this](Time) { end_grace(); });
}

void Registrar::end_grace() {
  std::vector<std::string> aors;
  for (const auto& [aor, place] : entries_) {
    if (std::ranges::any_of(place.bindings, &Binding::suspended)) aors.push_back(aor);
  }
  for (const std::string& aor : aors) {
    enqueue(aor, {[](const std::vector<Binding>& current, Now) { return apply_flow_closed(current, 0); },
                  nullptr});
  }
}

std::string Registrar::answer_to(const Request& request, const Update& update) const {
  auto reply = request.reply(200);
  const Now now = services_.clock().now();
  for (const Binding& binding : update.bindings) {
    if (binding.suspended) continue;
    reply.add(HeaderId::contact, contact_value(binding, now));
  }
  reply.copy(request.message, HeaderId::path);
  reply.add(HeaderId::supported, "path, outbound, beckon-direct");
  if (update.outbound) {
    reply.add(HeaderId::require, "outbound");
    // Over UDP a NAT forgets sooner: no number of ours shall keep a client from its own 29 s (RFC
    // 5626 4.4.2).
    if (request.from.flow != 0)
      reply.add("Flow-Timer", std::to_string(flow_timer_seconds(services_.settings().idle_connection)));
  }
  return std::move(reply).finish();
}

std::string Registrar::refusal_of(const Request& request, const Update& update) const {
  auto reply = request.reply(update.status);
  if (update.status == 423) reply.add(HeaderId::min_expires, services_.settings().registration.minimum);
  if (!update.warning.empty()) reply.add(HeaderId::warning, "399 beckond \"" + update.warning + '"');
  return std::move(reply).finish();
}

std::vector<Table> Registrar::tables(Now now) const {
  Table table{.name = "bindings", .rows = {}};
  for (const auto& [aor, place] : entries_) {
    for (const Binding& binding : place.bindings) {
      table.rows.push_back({{"aor", aor},
                            {"contact", binding.contact},
                            {"instance", binding.instance},
                            {"transport", to_lower(transaction::via_name(binding.received.protocol))},
                            {"peer", print(binding.received.remote)},
                            {"state", binding.suspended ? "suspended" : "active"},
                            {"expires", std::to_string(seconds_left(binding, now))},
                            {"agent", binding.user_agent}});
    }
  }
  return {std::move(table)};
}

}  // namespace beckon::server::registrar
