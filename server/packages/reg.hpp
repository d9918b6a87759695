#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/reginfo.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "reg" (RFC 3680): the bindings of an address-of-record, straight from the registrar. The
/// first document is full, later ones carry the contacts that changed. A user sees the registrations of its
/// own address-of-record; those whom the configuration names see everybody's (RFC 3680 4.6).
class Reg final : public subscription::Package, private registrar::BindingsObserver {
 public:
  /// Both outlive it.
  Reg(Environment& environment, registrar::Registrar& registrar);

  std::string_view name() const override { return "reg"; }
  std::span<const std::string_view> body_types() const override;
  /// RFC 3680 4.10: not more than one document in five seconds.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(5)}; }

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void lost(subscription::Subscription& subscription, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  struct News;
  // registrar::BindingsObserver
  void on_bindings_changed(Entry& entry, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  Environment& environment_;
  registrar::Registrar& registrar_;
};

}  // namespace beckon::server::packages
