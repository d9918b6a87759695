#include "server/packages/reg.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using documents::ContactEvent;
using documents::RegisteredContact;
using registrar::Binding;
using registrar::BindingEvent;
using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array reginfo_types{documents::reginfo_type};

ContactEvent event_of(BindingEvent event) {
  switch (event) {
    case BindingEvent::registered:
      return ContactEvent::registered;
    case BindingEvent::created:
      return ContactEvent::created;
    case BindingEvent::refreshed:
      return ContactEvent::refreshed;
    case BindingEvent::shortened:
      return ContactEvent::shortened;
    case BindingEvent::expired:
      return ContactEvent::expired;
    case BindingEvent::deactivated:
      return ContactEvent::deactivated;
    case BindingEvent::unregistered:
      return ContactEvent::unregistered;
    case BindingEvent::rejected:
      return ContactEvent::rejected;
  }
  return ContactEvent::registered;
}

/// "0.8"; empty for the default, which says nothing.
std::string print_q(float q) {
  if (q == 1.0F) return {};
  std::array<char, 16> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), q).ptr};
}

/// Parameters that RFC 3261 does not define for a Contact.
std::vector<std::pair<std::string, std::string>> unknown_parameters(std::string_view parameters) {
  std::vector<std::pair<std::string, std::string>> unknown;
  sip::grammar::each_parameter(parameters, [&](std::string_view name, std::string_view value) {
    if (iequals(name, "q") || iequals(name, "expires")) return;
    unknown.emplace_back(name, value.starts_with('"') ? sip::grammar::unquote(value) : std::string(value));
  });
  return unknown;
}

std::uint64_t seconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::round<std::chrono::seconds>(duration).count()));
}

/// Contacts with different URIs have different ids, and so have two flows to one contact (RFC 3680 5.1).
std::string id_of(const Binding& binding) {
  std::string id(binding.contact());
  if (binding.reg_id != 0) id += ";reg-id=" + std::to_string(binding.reg_id);
  return id;
}

/// RFC 5628: the public GRUU stays valid when the contact ends, the temporary one may not, and is shown to
/// the device's user alone, as it is there to hide who that is.
void add_gruus(RegisteredContact& contact, const registrar::Registrar& registrar,
               const Subscription& subscription, const Binding& binding, const registrar::Update::View& all) {
  const std::string& aor = subscription.resource().aor();
  if (binding.epoch == 0) return;
  contact.public_gruu = public_gruu(aor, binding.instance());
  if (contact.state == documents::ContactState::terminated || subscription.watcher() != aor) return;
  contact.temporary_gruu = {registrar.temporary_gruu(aor, binding, all), binding.first_cseq};
}

RegisteredContact contact_of(const Binding& binding, BindingEvent event, Now now) {
  RegisteredContact contact{.id = id_of(binding), .uri = std::string(binding.contact())};
  contact.event = event_of(event);
  contact.registered_seconds = seconds(now.mono - binding.registered);
  if (registrar::is_end(event))
    contact.state = documents::ContactState::terminated;
  else
    contact.expires_seconds = seconds(binding.expires - now.mono);
  contact.q = print_q(binding.q);
  contact.call_id = binding.call_id();
  contact.cseq = binding.cseq;
  contact.unknown_parameters = unknown_parameters(binding.parameters());
  return contact;
}

}  // namespace

/// What the next partial document of a subscription carries: the last change of each contact. While a NOTIFY
/// is in flight a device may change contacts without end; past `most` of them the next document is full.
struct Reg::News final : subscription::PackageData {
  explicit News(std::size_t its_most) : most(its_most) {}

  struct Change {
    BindingEvent event;
    Binding binding;
  };
  const std::size_t most;
  std::vector<Change> changes;
  bool is_full = false;

  void note(BindingEvent event, const Binding& binding) {
    if (is_full) return;
    const auto same = std::ranges::find_if(changes, [&](const Change& change) {
      return change.binding.contact() == binding.contact() && change.binding.reg_id == binding.reg_id;
    });
    if (same != changes.end())
      *same = {event, binding};
    else if (changes.size() < most)
      changes.push_back({event, binding});
    else
      is_full = true;
  }
  void clear() {
    changes.clear();
    is_full = false;
  }
};

Reg::Reg(Environment& environment, registrar::Registrar& registrar)
    : environment_(environment), registrar_(registrar) {
  registrar.observe(*this);
}

std::span<const std::string_view> Reg::body_types() const { return reginfo_types; }

Permission Reg::admit(Entry& resource, const std::string& watcher, Now) {
  const auto& trusted = environment_.settings().registration_watchers;
  const bool may = watcher == resource.aor() || std::ranges::find(trusted, watcher) != trusted.end();
  return may ? Permission::active : Permission::refused;
}

Permission Reg::begin(Subscription& subscription, Now now) {
  subscription.data = std::make_unique<News>(2 * environment_.settings().bindings_per_aor);
  return admit(subscription.resource(), subscription.watcher(), now);
}

/// Full state follows when the watcher is back.
void Reg::lost(Subscription& subscription, Now) { static_cast<News&>(*subscription.data).clear(); }

void Reg::on_bindings_changed(Entry& entry, BindingEvent event, const Binding& changed,
                              const std::vector<Binding>&, Now now) {
  std::vector<subscription::SubscriptionPtr> concerned;
  subscriptions().each(*this, entry, [&](Subscription& subscription) {
    if (!subscription.hears_news()) return;
    static_cast<News&>(*subscription.data).note(event, changed);
    concerned.emplace_back(&subscription);
  });
  for (const auto& subscription : concerned) subscriptions().changed(*subscription, now);
}

subscription::Content Reg::compose(Subscription& subscription, event::Notifier::Body body, Now now) {
  News& news = static_cast<News&>(*subscription.data);
  const auto& bindings = registrar_.bindings(subscription.resource());
  documents::Registration registration{.aor = subscription.resource().aor(), .id = "r"};
  registrar::Update::View all;
  for (const Binding& binding : bindings) all.push_back(&binding);
  const auto add = [&](const Binding& binding, BindingEvent event) {
    registration.contacts.push_back(contact_of(binding, event, now));
    add_gruus(registration.contacts.back(), registrar_, subscription, binding, all);
  };
  using State = documents::RegistrationState;
  documents::RegistrationInfo info{.version = subscription.number()};
  if (body == event::Notifier::Body::full || news.is_full) {
    registration.state = bindings.empty() ? State::init : State::active;
    for (const Binding& binding : bindings) add(binding, BindingEvent::registered);
  } else {
    info.state = documents::RegistrationInfo::State::partial;
    // That it is "init" again right after is never reported (RFC 3680 4.7.1).
    registration.state = bindings.empty() ? State::terminated : State::active;
    for (const auto& [event, binding] : news.changes) add(binding, event);
  }
  news.clear();
  info.registrations.push_back(std::move(registration));
  return {documents::reginfo_type, share(documents::print(info))};
}

}  // namespace beckon::server::packages
