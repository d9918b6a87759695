#include "server/packages/reg.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include "protocol/base/log.hpp"
#include "server/packages/registered_contact.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using documents::RegisteredContact;
using documents::RegistrationInfo;
using documents::RegistrationState;
using registrar::Binding;
using registrar::BindingEvent;
using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array reginfo_types{documents::reginfo_type};

constexpr const char* registration_id = "r";

/// Of one document about a domain: about 50 KB, so that it fits a datagram.
constexpr std::size_t news_per_document = 100;
/// What waits for the next documents about a domain; a burst past it is not reported.
constexpr std::size_t domain_news_max = 4096;

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

/// What the next documents of a subscription to a domain carry, in order.
struct Reg::DomainQueue final : subscription::PackageData {
  std::deque<documents::Registration> news;
  std::size_t composed = 0;  ///< At the front: in the document that was composed last.
  bool is_over = false;      ///< More came than it takes.
};

/// Null: it is to a user. What it was when it began, as the served domains may change.
Reg::DomainQueue* Reg::queue_of(const Subscription& subscription) {
  return dynamic_cast<DomainQueue*>(subscription.data.get());
}

Reg::Reg(Environment& environment, registrar::Registrar& registrar, DomainRegistrations& domains)
    : environment_(environment), registrar_(registrar), domains_(domains) {
  registrar.observe(*this);
  domains.set_on_news([this](Entry& domain, const documents::Registration& registration, Now now) {
    on_domain_news(domain, registration, now);
  });
}

std::span<const std::string_view> Reg::body_types() const { return reginfo_types; }

void Reg::find(const Entry& resource, Found found) {
  if (domains_.is_domain(resource)) return found(200);
  Package::find(resource, std::move(found));
}

Permission Reg::admit(Entry& resource, const std::string& watcher, Now) {
  const auto& trusted = environment_.settings().registration_watchers;
  const bool may = watcher == resource.aor() || std::ranges::find(trusted, watcher) != trusted.end();
  return may ? Permission::active : Permission::refused;
}

Permission Reg::begin(Subscription& subscription, Now now) {
  if (domains_.is_domain(subscription.resource()))
    subscription.data = std::make_unique<DomainQueue>();
  else
    subscription.data = std::make_unique<News>(2 * environment_.settings().bindings_per_aor);
  return admit(subscription.resource(), subscription.watcher(), now);
}

void Reg::begun(Subscription& subscription, Now) {
  if (queue_of(subscription)) domains_.begin();
}

void Reg::ended(Subscription& subscription, Now) {
  if (queue_of(subscription)) domains_.end();
}

/// Full state follows when the watcher is back; of a domain, what happens until then.
void Reg::lost(Subscription& subscription, Now) {
  if (!queue_of(subscription)) static_cast<News&>(*subscription.data).clear();
}

void Reg::notified(Subscription& subscription, Now now) {
  DomainQueue* queue = queue_of(subscription);
  if (!queue) return static_cast<News&>(*subscription.data).clear();
  queue->news.erase(queue->news.begin(), queue->news.begin() + std::ptrdiff_t(queue->composed));
  queue->composed = 0;
  queue->is_over = false;
  if (!queue->news.empty()) subscriptions().changed(subscription, now);
}

/// The watcher has the state, by another document than its last one: what builds upon that would have a gap.
void Reg::confirmed(Subscription& subscription, Now) { suppressed(subscription); }

void Reg::suppressed(Subscription& subscription) {
  if (queue_of(subscription)) return;
  News& news = static_cast<News&>(*subscription.data);
  news.clear();
  news.is_full = true;
}

void Reg::on_domain_news(Entry& domain, const documents::Registration& registration, Now now) {
  std::vector<subscription::SubscriptionPtr> concerned;
  subscriptions().each(*this, domain, [&](Subscription& subscription) {
    DomainQueue* queue = queue_of(subscription);
    if (!queue) return;
    const bool is_over = queue->news.size() >= domain_news_max;
    if (is_over && !std::exchange(queue->is_over, true))
      log::info("packages", "{}: more registrations than its follower {} is told", domain.aor(),
                subscription.watcher());
    if (is_over) return;
    queue->news.push_back(registration);
    if (subscription.hears_news()) concerned.emplace_back(&subscription);
  });
  for (const auto& subscription : concerned) subscriptions().changed(*subscription, now);
}

subscription::Content Reg::compose_news(const Subscription& subscription, DomainQueue& queue) {
  documents::RegistrationInfo info{.version = subscription.number()};
  info.state = documents::RegistrationInfo::State::partial;
  queue.composed = std::min(queue.news.size(), news_per_document);
  info.registrations.assign(queue.news.begin(), queue.news.begin() + std::ptrdiff_t(queue.composed));
  // No entity-tag: what has happened is no state.
  return {documents::reginfo_type, share(documents::print(info)), share(std::string())};
}

void Reg::on_bindings_changed(Entry& entry, BindingEvent event, const Binding& changed,
                              const std::vector<Binding>&, Now now) {
  std::vector<subscription::SubscriptionPtr> concerned;
  subscriptions().each(*this, entry, [&](Subscription& subscription) {
    if (!subscription.hears_news() || queue_of(subscription)) return;
    static_cast<News&>(*subscription.data).note(event, changed);
    concerned.emplace_back(&subscription);
  });
  for (const auto& subscription : concerned) subscriptions().changed(*subscription, now);
}

RegistrationInfo Reg::full(const Subscription& subscription, Now now) const {
  const auto& bindings = registrar_.bindings(subscription.resource());
  registrar::Update::View all;
  for (const Binding& binding : bindings) all.push_back(&binding);
  documents::Registration registration{.aor = subscription.resource().aor(), .id = registration_id};
  registration.state = bindings.empty() ? RegistrationState::init : RegistrationState::active;
  for (const Binding& binding : bindings) {
    registration.contacts.push_back(contact_of(binding, BindingEvent::registered, now));
    add_gruus(registration.contacts.back(), registrar_, subscription, binding, all);
  }
  RegistrationInfo info;
  info.registrations.push_back(std::move(registration));
  return info;
}

subscription::Content Reg::compose(Subscription& subscription, event::Notifier::Body body, Now now) {
  if (DomainQueue* queue = queue_of(subscription)) return compose_news(subscription, *queue);
  const News& news = static_cast<News&>(*subscription.data);
  RegistrationInfo whole = full(subscription, now);
  RegistrationInfo info;
  if (body == event::Notifier::Body::full || news.is_full) {
    info = whole;
  } else {
    const auto& bindings = registrar_.bindings(subscription.resource());
    registrar::Update::View all;
    for (const Binding& binding : bindings) all.push_back(&binding);
    documents::Registration registration{.aor = subscription.resource().aor(), .id = registration_id};
    info.state = RegistrationInfo::State::partial;
    // That it is "init" again right after is never reported (RFC 3680 4.7.1).
    registration.state = bindings.empty() ? RegistrationState::terminated : RegistrationState::active;
    for (const auto& [event, binding] : news.changes) {
      registration.contacts.push_back(contact_of(binding, event, now));
      add_gruus(registration.contacts.back(), registrar_, subscription, binding, all);
    }
    info.registrations.push_back(std::move(registration));
  }
  info.version = subscription.number();
  for (RegisteredContact& contact : whole.registrations.front().contacts)
    contact.expires_seconds = contact.registered_seconds = std::nullopt;
  return {documents::reginfo_type, share(documents::print(info)), share(documents::print(whole))};
}

}  // namespace beckon::server::packages
