#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/reginfo.hpp"
#include "server/packages/domain_registrations.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "reg" (RFC 3680): the bindings of an address-of-record, straight from the registrar. The
/// first document is full, later ones carry the contacts that changed. A user sees the registrations of its
/// own address-of-record; those whom the configuration names see everybody's (RFC 3680 4.6). They may also
/// subscribe to a domain, for the news of all of its users: those documents are always partial, as the whole
/// would have no bound (RFC 3680 4.7.2 recommends so).
class Reg final : public subscription::Package, private registrar::BindingsObserver {
 public:
  /// All outlive it.
  Reg(Environment& environment, registrar::Registrar& registrar, DomainRegistrations& domains);

  std::string_view name() const override { return "reg"; }
  std::span<const std::string_view> body_types() const override;
  /// Of the whole state, without what only passes (versions and times).
  bool has_entities() const override { return true; }
  /// RFC 3680 4.10: not more than one document in five seconds.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(5)}; }

  void find(const Entry& resource, Found found) override;
  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void begun(subscription::Subscription& subscription, Now now) override;
  void ended(subscription::Subscription& subscription, Now now) override;
  void lost(subscription::Subscription& subscription, Now now) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  void confirmed(subscription::Subscription& subscription, Now now) override;
  void suppressed(subscription::Subscription& subscription) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  struct News;
  struct DomainQueue;
  void on_domain_news(Entry& domain, const documents::Registration& registration, Now now);
  static DomainQueue* queue_of(const subscription::Subscription& subscription);
  static subscription::Content compose_news(const subscription::Subscription& subscription,
                                            DomainQueue& queue);
  documents::RegistrationInfo full(const subscription::Subscription& subscription, Now now) const;
  // registrar::BindingsObserver
  void on_bindings_changed(Entry& entry, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  Environment& environment_;
  registrar::Registrar& registrar_;
  DomainRegistrations& domains_;
};

}  // namespace beckon::server::packages
