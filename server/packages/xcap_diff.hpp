#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/documents/xcap_diff.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::packages {

/// Event package "xcap-diff" (RFC 5875): changes of a user's XCAP documents, for that user's devices. A
/// SUBSCRIBE to the own AOR carries the list of what is followed: collections, documents, elements and
/// attributes; without one it is everything. The first document says what there is, each later one what
/// changed: documents by their entity-tags, and as patches where the device asks for those.
class XcapDiff final : public subscription::Package {
 public:
  /// Observes the documents, which outlive it.
  explicit XcapDiff(xcap::Documents& documents);

  std::string_view name() const override { return "xcap-diff"; }
  std::span<const std::string_view> body_types() const override;
  bool has_entities() const override { return true; }
  /// RFC 5875 4.10: not more than one document in five seconds.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(5)}; }

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  int read(const sip::Message& subscribe, std::string_view parameters, Interest& interest) const override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void asked(subscription::Subscription& subscription, Now now) override;
  void lost(subscription::Subscription& subscription, Now now) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  void confirmed(subscription::Subscription& subscription, Now now) override { notified(subscription, now); }
  void suppressed(subscription::Subscription& subscription) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

  /// How often the difference of two versions was looked for.
  std::uint64_t differences() const { return differences_; }

 private:
  using Version = xcap::Documents::Version;
  /// RFC 5875 4.3.
  enum class Mode : std::uint8_t { no_patching, xcap_patching, aggregate };
  struct Told;
  /// What makes one version of another, kept for the user's other devices.
  struct Patch {
    std::string from, to;  ///< Entity-tags.
    std::optional<documents::XcapPatch> patch;
  };

  static Mode mode_of(std::string_view selection);
  static Told& told(const subscription::Subscription& subscription);
  void on_changed(Entry& owner, const std::string& key, const std::optional<Version>& version, Now now);
  std::string full(const Told& told, const Entry& owner, std::size_t octets_max) const;
  std::string partial(const Told& told, const Entry& owner, std::size_t octets_max);
  static std::string root_of(const Entry& owner);
  const documents::XcapPatch* find_patch(const Version& from, const Version& to);

  xcap::Documents& documents_;
  std::deque<Patch> patches_;  ///< Oldest first.
  std::uint64_t differences_ = 0;
};

}  // namespace beckon::server::packages
