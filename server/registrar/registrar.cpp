#include "server/registrar/registrar.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <functional>
#include <iterator>
#include <memory>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/shard/request_step.hpp"
#include "server/store/store.hpp"

namespace beckon::server::registrar {

using sip::HeaderId;

namespace {

/// Stands for the connections before a restart, which suspended bindings lived on.
constexpr transaction::FlowId flow_before_restart = 0;

/// The connections that bindings live on.
using Flows = boost::container::small_vector<transaction::FlowId, 4>;
Flows flows_of(const std::vector<Binding>& bindings) {
  Flows flows;
  for (const Binding& binding : bindings)
    if (binding.bound_to_flow()) flows.push_back(binding.suspended ? flow_before_restart : binding.flow());
  return flows;
}

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
  const std::string_view contact = binding.contact(), parameters = binding.parameters();
  constexpr std::string_view name = ";expires=";
  constexpr std::size_t digits = 20;
  std::string value;
  value.reserve(contact.size() + 2 + parameters.size() + name.size() + digits);
  value.append("<").append(contact).append(">").append(parameters).append(name);
  return value += std::to_string(seconds_left(binding, now));
}

bool is_of_device(const Binding& binding, const Callee& callee) {
  if (callee.epoch != 0) return binding.epoch == callee.epoch;
  return callee.instance.empty() || iequals(binding.instance(), callee.instance);
}

void add_changes(store::Batch& batch, const Update& update, const store::TimeScale& scale) {
  for (const Change& change : update.changes) {
    if (change.ends())
      batch.erase(store::Kind::binding, key_of(change.binding));
    else
      batch.put(store::Kind::binding, key_of(change.binding), [&] { return print(change.binding, scale); });
  }
}

}  // namespace

/// What the registrar keeps about one address-of-record.
struct Registrar::Bindings final : Part {
  explicit Bindings(TimerQueue& timers) : expiry(timers) {}
  std::vector<Binding> all;
  Timer expiry;
};

/// A REGISTER.
class Registrar::Register final : public RequestStep {
 public:
  Register(Registrar& registrar, RequestPtr request)
      : RequestStep(registrar.services_, std::move(request)), registrar_(registrar) {}

  bool prepare(store::Batch& batch, Now now) override {
    const auto& current = registrar_.bindings(entry());
    update_ = apply_register(request().message, request().from, current,
                             {.aor = entry().aor(),
                              .settings = services().settings(),
                              .gruus = registrar_.gruus_,
                              .random = services().random(),
                              .now = now});
    const bool changes = update_.status == 200 && !update_.changes.empty();
    std::string response = update_.status == 200 ? registrar_.answer_to(request(), current, update_, now)
                                                 : registrar_.refusal_of(request(), update_);
    if (!changes) {
      services().respond(request(), std::move(response));
      return false;
    }
    add_changes(batch, update_, services().directory().scale());
    promise(batch, std::move(response));
    return true;
  }
  void apply(Now now) override { registrar_.apply(entry(), update_, now); }
  void announce(Now now) override { registrar_.announce(entry(), update_, now); }

 private:
  Entry& entry() const { return *request().resource; }

  Registrar& registrar_;
  Update update_;
};

/// The end of bindings: `ends(all, now)` says which.
class Registrar::Fact final : public store::Step {
 public:
  using Ends = std::function<Update(const std::vector<Binding>&, Now)>;
  Fact(Registrar& registrar, Entry& entry, Ends ends)
      : registrar_(registrar), entry_(entry), ends_(std::move(ends)) {}

  bool prepare(store::Batch& batch, Now now) override {
    update_ = ends_(registrar_.bindings(entry_), now);
    add_changes(batch, update_, registrar_.services_.directory().scale());
    return !update_.changes.empty();
  }
  void apply(Now now) override { registrar_.apply(entry_, update_, now); }
  void announce(Now now) override { registrar_.announce(entry_, update_, now); }

 private:
  Registrar& registrar_;
  Entry& entry_;  ///< Lives as long as a step of its sequence.
  Ends ends_;
  Update update_;
};

Registrar::Registrar(Services& services, const Gruus& gruus)
    : services_(services),
      gruus_(gruus),
      slot_(services.directory().take_slot<Bindings>()),
      closing_(services.timers(), services.clock(),
               [this](transaction::FlowId flow, Slice& slice, Now) { return end_flow(flow, slice); }),
      grace_(services.timers()) {
  services.directory().add(*this);
}

const std::vector<Binding>& Registrar::bindings(const Entry& entry) const {
  const Bindings* part = entry.find(slot_);
  return part ? part->all : no_bindings;
}

const std::vector<Binding>& Registrar::bindings(std::string_view aor) const {
  const EntryPtr entry = services_.directory().find(aor);
  return entry ? bindings(*entry) : no_bindings;
}

const Binding* Registrar::binding_at(const Entry& entry, const transaction::Hop& from) const {
  for (const Binding& binding : bindings(entry)) {
    const transaction::Hop known = binding.received();
    const bool same = from.flow != 0
                          ? known.flow == from.flow
                          : known.flow == 0 && known.protocol == from.protocol && known.remote == from.remote;
    if (same && !binding.suspended) return &binding;
  }
  return nullptr;
}

std::vector<Binding> Registrar::targets(const Callee& callee, Now now) const {
  std::vector<Binding> found;
  for (const Binding& binding : bindings(callee.aor)) {
    if (binding.suspended || binding.expires <= now.mono) continue;
    if (services_.directory().is_closed(binding.flow())) continue;  // its end is on the way
    if (is_of_device(binding, callee)) found.push_back(binding);
  }
  if (found.size() < 2) return found;
  const auto is_twin = [](const Binding& a, const Binding& b) {
    return !a.instance().empty() && a.instance() == b.instance();
  };
  // clang 19 refuses the library's stable sort.
  std::ranges::sort(found, std::ranges::greater{}, &Binding::refreshed);
  std::vector<Binding> first, others;  // of each device
  for (const Binding& binding : found) {
    const bool has_first =
        std::ranges::any_of(first, [&](const Binding& each) { return is_twin(each, binding); });
    (has_first ? others : first).push_back(binding);
  }
  std::ranges::sort(first, [](const Binding& a, const Binding& b) {
    return a.q != b.q ? a.q > b.q : a.registered < b.registered;
  });
  if (others.empty()) return first;
  found.clear();
  for (const Binding& binding : first) {
    found.push_back(binding);
    std::ranges::copy_if(others, std::back_inserter(found),
                         [&](const Binding& other) { return is_twin(binding, other); });
  }
  return found;
}

bool Registrar::is_valid(const Callee& callee) const {
  return callee.epoch == 0 || std::ranges::any_of(bindings(callee.aor), [&](const Binding& binding) {
           return is_of_device(binding, callee);
         });
}

std::string Registrar::temporary_gruu(std::string_view aor, const Binding& binding,
                                      const Update::View& all) const {
  const Binding* latest = &binding;
  for (const Binding* each : all)
    if (each->epoch == binding.epoch && each->refreshed() > latest->refreshed()) latest = each;
  return gruus_.temporary(
      {.aor = aor, .epoch = latest->epoch, .cseq = latest->cseq, .reg_id = latest->reg_id});
}

Serves Registrar::serves() const {
  return {.methods = {sip::Method::register_}, .options = {"path", "outbound", "gruu"}};
}

/// "The registrar SHOULD NOT include the "gruu" option tag" (RFC 5627 5.2).
void Registrar::describe() {
  supported_.clear();
  for (const std::string& option : services_.options()) {
    if (option != "gruu") sip::append_value(supported_, option);
  }
}

void Registrar::on_request(const RequestPtr& request) {
  if (!request->resource) return services_.respond(*request, 400);
  if (!services_.settings().serves(domain_of_aor(request->resource->aor())))
    return services_.respond(*request, 404);
  request->resource->add(std::make_unique<Register>(*this, request));
}

void Registrar::apply(Entry& entry, const Update& update, Now) {
  Bindings& part = entry.get(slot_, services_.timers());
  if (part.all.empty()) ++size_;
  // One REGISTER may change a binding twice (refreshed, then displaced), so flows are compared as a whole.
  const auto flows = flows_of(part.all);
  binding_count_ -= part.all.size();
  update.apply_to(part.all);
  binding_count_ += part.all.size();
  if (const auto now_on = flows_of(part.all); now_on != flows) {
    for (const transaction::FlowId flow : flows) flows_.remove(flow, entry);
    for (const transaction::FlowId flow : now_on) flows_.add(flow, entry);
  }
  for (const Change& change : update.changes) {
    if (change.ends()) continue;
    const auto flow = change.binding.flow();
    if (services_.directory().is_closed(flow)) entry.add_fact(flow_end(entry, flow));
  }
  arm(entry, part);
}

void Registrar::announce(Entry& entry, const Update& update, Now now) {
  for (const Change& change : update.changes) {
    log::info("registrar", "{} {} {} from {}", entry.aor(), to_string(change.event), change.binding.contact(),
              print(change.binding.received().remote));
    for (auto* observer : observers_)
      observer->on_bindings_changed(entry, change.event, change.binding, bindings(entry), now);
  }
  drop_if_empty(entry);
}

void Registrar::drop_if_empty(Entry& entry) {
  const Bindings* part = entry.find(slot_);
  if (!part || !part->all.empty()) return;
  --size_;
  entry.drop(slot_);
}

void Registrar::arm(Entry& entry, Bindings& part) {
  const auto first = std::ranges::min_element(part.all, {}, &Binding::expires);
  if (first == part.all.end()) return part.expiry.cancel();
  part.expiry.set(first->expires, [this, &entry](Time) {
    entry.add_fact(std::make_unique<Fact>(*this, entry, apply_expiry));
  });
}

void Registrar::on_flow_closed(transaction::FlowId flow, Now) {
  if (flows_.first(flow)) closing_.start(flow);
}

void Registrar::on_user_gone(std::string_view aor, bool, Now) {
  const EntryPtr entry = services_.directory().find(aor);
  if (!entry || bindings(*entry).empty()) return;
  entry->add_fact(
      std::make_unique<Fact>(*this, *entry, [](const auto& all, Now) { return apply_rejection(all); }));
}

/// A trunk carries many users, and a restart ends all connections.
bool Registrar::end_flow(transaction::FlowId flow, Slice& slice) {
  while (const EntryPtr entry = flows_.first(flow)) {
    if (!slice.take()) return true;
    flows_.remove(flow, *entry);
    entry->add_fact(flow_end(*entry, flow));
  }
  return false;
}

/// Other users' bindings behind the same edge proxy and flow end when a request finds that out: they are not
/// indexed by Path.
void Registrar::on_flow_failed(const std::string& aor, const Binding& binding) {
  const EntryPtr entry = services_.directory().find(aor);
  if (!entry) return;
  entry->add_fact(std::make_unique<Fact>(
      *this, *entry, [binding](const auto& all, Now) { return apply_flow_failed(all, binding); }));
}

std::unique_ptr<store::Step> Registrar::flow_end(Entry& entry, transaction::FlowId flow) {
  if (flow == flow_before_restart)
    return std::make_unique<Fact>(*this, entry, [](const auto& all, Now) { return apply_grace_end(all); });
  return std::make_unique<Fact>(*this, entry,
                                [flow](const auto& all, Now) { return apply_flow_closed(all, flow); });
}

void Registrar::add_to(Entry& entry, Binding binding) {
  Bindings& part = entry.get(slot_, services_.timers());
  if (part.all.empty()) ++size_;
  part.all.push_back(std::move(binding));
  ++binding_count_;
  for (const transaction::FlowId flow : flows_of(part.all)) flows_.add(flow, entry);
}

void Registrar::restore(const store::Record& record, Now now) {
  if (record.kind != store::Kind::binding) return;
  auto binding = parse_binding(record.value, now.mono, services_.directory().scale(),
                               services_.settings().restart_grace);
  if (!binding) return services_.directory().skip_unreadable(record.kind);
  add_to(*services_.directory().get(record.aor), std::move(*binding));
}

void Registrar::restored(Now now) {
  describe();
  services_.directory().each([this](Entry& entry) {
    if (Bindings* part = entry.find(slot_)) arm(entry, *part);
  });
  grace_.set(now.mono + services_.settings().restart_grace,
             [this](Time) { closing_.start(flow_before_restart); });
}

void Registrar::reload(Entry& entry, const store::Held& held, Now now) {
  if (held.durable) return;
  if (Bindings* part = entry.find(slot_)) {
    for (const transaction::FlowId flow : flows_of(part->all)) flows_.remove(flow, entry);
    binding_count_ -= part->all.size();
    part->all.clear();
    drop_if_empty(entry);
  }
  for (const store::Record& record : held.records) restore(record, now);
  if (Bindings* part = entry.find(slot_)) arm(entry, *part);
}

/// RFC 5627 5.2.
void Registrar::add_gruus(std::string& value, const Binding& binding, const Update::View& all,
                          std::string_view aor) const {
  const auto add = [&](std::string_view name, const std::string& uri) {
    if (!uri.empty()) value.append(name).append("=\"").append(uri).append("\"");
  };
  add(";pub-gruu", public_gruu(aor, binding.instance()));
  add(";temp-gruu", temporary_gruu(aor, binding, all));
}

std::string Registrar::answer_to(const Request& request, const std::vector<Binding>& before,
                                 const Update& update, Now now) const {
  auto reply = request.reply(200);
  const auto view = update.view(before);
  const bool has_device = std::ranges::any_of(view, [](const Binding* each) { return each->epoch != 0; });
  const bool gruus = has_device && request.message.lists(HeaderId::supported, "gruu");
  for (const Binding* binding : view) {
    std::string value = contact_value(*binding, now);
    if (gruus && binding->epoch != 0) add_gruus(value, *binding, view, request.resource->aor());
    reply.add(HeaderId::contact, value);
  }
  reply.copy(request.message, HeaderId::path);
  // Whoever registers through another proxy would leave us out of its requests (RFC 3608 6.3).
  if (request.message.has(HeaderId::path)) {
    const std::string& aor = request.resource->aor();
    reply.add(HeaderId::service_route, "<sip:" + aor.substr(aor.rfind('@') + 1) + ";lr>");
  }
  reply.add(HeaderId::supported, supported_);
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
  services_.directory().each([&](const Entry& entry) {
    for (const Binding& binding : bindings(entry)) {
      const transaction::Hop received = binding.received();
      table.rows.push_back({{"aor", entry.aor()},
                            {"contact", std::string(binding.contact())},
                            {"instance", std::string(binding.instance())},
                            {"transport", to_lower(transaction::via_name(received.protocol))},
                            {"peer", print(received.remote)},
                            {"state", binding.suspended ? "suspended" : "active"},
                            {"expires", std::to_string(seconds_left(binding, now))},
                            {"agent", std::string(binding.user_agent())}});
    }
  });
  std::ranges::sort(table.rows);
  return {std::move(table)};
}

}  // namespace beckon::server::registrar
