#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/event/compositor.hpp"
#include "server/publication/package.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/flow_index.hpp"
#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"
#include "server/store/record.hpp"

namespace beckon::server::publication {

/// What the devices of one shard's users published, for every package (RFC 3903 4, 6: the event state
/// compositor). A change is in the store first, then it is true, answered and announced.
class Publications final : public Room, public registrar::BindingsObserver, public Keeper {
 public:
  /// Observes the registrar. Both outlive this.
  Publications(Services& services, registrar::Registrar& registrar);
  ~Publications() override;

  /// Before the first request and record. `package` outlives this room's last call.
  void add(Package& package);

  /// Calls `visit(const event::Publication&, State&)` for the package's publications of a presentity, oldest
  /// first.
  template <class Visit>
  void each(const Entry& presentity, const Package& package, Visit visit) const {
    const Published* published = presentity.find(slot_);
    if (!published) return;
    for (const event::Publication& publication : published->compositor.publications())
      if (publication.package == package.number_) visit(publication, static_cast<State&>(*publication.state));
  }
  bool has_any(const Entry& presentity, const Package& package) const;
  /// What `Package::farewell` left; empty: nothing.
  std::string_view farewell(const Entry& presentity, const Package& package) const;
  /// The device has something published, or had and is remembered (`Package::remembers_devices`).
  bool has_published(const Entry& presentity, const Package& package, Device device) const;
  /// Presentities with a publication or a remembered device.
  void each_presentity(const std::function<void(Entry&)>& visit) const;
  /// Publications and remembered devices.
  std::size_t size() const;
  /// Calls `visit(package's name, publications)`; in constant time.
  template <class Visit>
  void each_count(Visit visit) const {
    for (const Package* package : packages_) visit(package->name(), counts_[package->number_]);
  }

  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  void on_bindings_changed(Entry& presentity, registrar::BindingEvent event,
                           const registrar::Binding& changed, const std::vector<registrar::Binding>& all,
                           Now now) override;
  void reload(Entry& entry, const store::Held& held, Now now) override;

 private:
  static constexpr std::size_t packages_max = 8;

  // Steps of an entry's sequence (steps.cpp). The entry lives as long as they do.
  class PublishStep;
  class Ending;
  class FlowEnd;
  class Placing;
  class Forgetting;
  enum class Ends { run_out, all };
  std::unique_ptr<store::Step> publish(const RequestPtr& request, Package& package,
                                       std::chrono::seconds expires, Reading reading);
  std::unique_ptr<store::Step> ending(Entry& entry, Ends which);
  std::unique_ptr<store::Step> flow_end(Entry& entry, transaction::FlowId flow);
  std::unique_ptr<store::Step> placing(Entry& entry, std::vector<std::uint16_t> placed);
  std::unique_ptr<store::Step> forgetting(Entry& entry);

  /// A device of a package that took its state back.
  struct Silent {
    std::uint8_t package = 0;
    Device device = 0;
    bool operator==(const Silent&) const = default;
  };
  using SilentDevices = std::vector<Silent>;

  /// What is kept of a presentity without publications.
  struct Farewell {
    std::uint8_t package = 0;
    std::string text;
  };

  /// Where a publication came from whose device had not registered there.
  struct Unplaced {
    std::uint16_t publication = 0;
    std::uint64_t source = 0;
  };

  struct Published final : Part {
    explicit Published(TimerQueue& timers) : expiry(timers) {}
    event::Compositor compositor;
    SilentDevices silent;
    std::vector<Farewell> farewells;
    std::vector<Unplaced> unplaced;  ///< Of packages that remember devices.
    Timer expiry;
    Time due = Time::max();                             ///< Of `expiry`; at or before the first deadline.
    std::array<std::uint16_t, packages_max> counted{};  ///< Its part of `counts_`.

    void forget_source(std::uint16_t publication) {
      std::erase_if(unplaced, [&](const Unplaced& one) { return one.publication == publication; });
    }
    void erase(std::uint16_t publication) {
      compositor.erase(publication);
      forget_source(publication);
    }
  };

  Package* find(std::string_view name) const;
  std::string warning(std::string_view text) const;
  void refuse_size(const Request& request, const Package& package);
  event::Compositor::Limits limits_of(const Package& package) const;
  bool is_registered(const Entry& entry, Device device) const;
  Device device_on(const Entry& entry, const transaction::Hop& from) const;
  SilentDevices falling_silent(const Entry& entry, const Published& published,
                               const std::vector<std::uint16_t>& gone, Device publishing) const;
  /// The device's last PUBLISH was at `Publication::renewed`, or is this one.
  enum class Seen : std::uint8_t { renewed, now };
  std::vector<Farewell> falling_empty(const Published& published, const std::vector<std::uint16_t>& gone,
                                      Seen seen, Now now) const;
  void keep(std::vector<Farewell> farewells, Published& published) const;
  bool end_flow(transaction::FlowId flow, Slice& slice);
  void announce(Entry& entry, std::uint32_t packages, Now now, std::optional<Time> published = {});
  void place(Entry& entry, const registrar::Binding& binding);
  void forget_unregistered(Entry& entry);
  void settle(Entry& entry);
  void count(Published& published);
  void drop_past_limit();
  void restore_publication(Entry& entry, Package& package, std::string_view key, const store::Record& record,
                           Now now);

  Services& services_;
  registrar::Registrar& registrar_;
  Slot<Published> slot_;
  std::vector<Package*> packages_;  ///< By `Package::number_`.
  /// Entries with a state that lives on a flow. An entry may stay here after that state has ended.
  FlowIndex flows_;
  FlowRounds closing_;
  std::array<std::size_t, packages_max> counts_{};         ///< Publications of each package.
  std::vector<std::pair<EntryPtr, std::string>> dropped_;  ///< Keys of records that `restored` erases.
};

}  // namespace beckon::server::publication
