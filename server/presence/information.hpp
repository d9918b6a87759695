#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/presence/composition.hpp"
#include "server/presence/hooks.hpp"
#include "server/presence/ledger.hpp"
#include "server/presence/policy.hpp"
#include "server/presence/standing.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::presence {

/// A document for one watcher.
struct Drawing {
  SharedText text{};  ///< Null: the watcher may see nothing.
  ShownPtr shown{};   ///< What it shows, in words.
  /// The same without grants: all that see the same of this state get this very text. Null: nobody else does.
  SharedText shared{};
  std::size_t grants = 0;  ///< A hash of the watcher's grants in it; 0: there are none.
};

/// PIT, the presence information table: what watchers get of the presentities of a shard. Their state is made
/// of publications and bindings when somebody asks, once for each version and class of watchers. Where time
/// alone changes a state that somebody was shown, a timer announces that.
class PresenceInformation final : public publication::Package, public registrar::BindingsObserver {
 public:
  /// The state of `presentity` changed, and the store has it: notify its watchers. `published`: when the
  /// PUBLISH arrived that changed it, if one did.
  using OnChange = std::function<void(Entry& presentity, Now now, std::optional<Time> published)>;

  /// Adds itself to `publications` and observes the registrar. All referenced things outlive it.
  PresenceInformation(Environment& environment, publication::Publications& publications,
                      registrar::Registrar& registrar, OnChange on_change);

  /// The document for watchers that may see `what`. `secure`: their next hop is encrypted, so <direct> may
  /// stay, with the grants of `watcher` (DIRECT_SESSIONS 3.5).
  Drawing render(Entry& presentity, const documents::Transformations& what, bool secure,
                 const std::string& watcher);

  /// The same without <direct>, for whoever asks what a watcher would see: nothing of it is kept.
  SharedText preview(const Entry& presentity, const documents::Transformations& what) const;

  /// The whole state in a word.
  Standing standing(const Entry& presentity) const;
  /// The same for whoever routes requests to the presentity: documents that ask nothing of them are not read,
  /// and where none does the standing is an empty one.
  Standing wishes(const Entry& presentity) const;
  /// The sphere of the presentity, and when time alone may change it.
  struct Sphere {
    std::string value{};  ///< Empty: undefined.
    WallTime next = WallTime::max();
  };
  Sphere sphere(const Entry& presentity, WallTime now) const;

  /// They outlive it.
  void set_hard_state(const HardState& hard_state) { hard_state_ = &hard_state; }
  void set_calls(const Calls& calls) { calls_ = &calls; }
  void hard_state_changed(Entry& presentity, Now now) { changed(presentity, now); }
  /// The calls of `presentity` may be others.
  void calls_changed(Entry& presentity, Now now, std::optional<Time> published);

  /// For watchers that may see only that the presentity exists: closed.
  static std::string render_nothing(std::string_view aor);
  void each_grant_holder(const Entry& presentity, const std::function<void(const std::string&)>& visit) const;

  /// The state as it is; `what`: of the persons and devices that may be seen (Circumstances::what).
  /// `silent_bindings`: the bindings of devices that published nothing.
  Composition compose(const Entry& presentity, Names& names,
                      const documents::Transformations* what = nullptr) const;
  std::vector<const registrar::Binding*> silent_bindings(const Entry& presentity) const;
  /// There is hard state, and no device that says anything.
  bool shows_hard_state(const Entry& presentity) const;

  Table table() const;
  /// Presentities of which a document is kept.
  std::size_t size() const;

  // publication::Package
  std::string_view name() const override { return "presence"; }
  std::span<const std::string_view> content_types() const override;
  std::string_view option_tag() const override { return "beckon-direct"; }
  std::uint32_t size_max() const override { return environment_.settings().elements_per_presentity; }
  publication::Reading read(Entry& presentity, std::string_view body, const Request& request) override;
  publication::Reading restore(std::string_view stored) override;
  void on_changed(Entry& presentity, Now now, std::optional<Time> published) override;
  bool remembers_devices() const override { return true; }
  std::string farewell(const publication::State& last, WallTime seen) const override;

  void on_bindings_changed(Entry& presentity, registrar::BindingEvent event,
                           const registrar::Binding& changed, const std::vector<registrar::Binding>& all,
                           Now now) override;

 private:
  /// A document, and where the grants of direct sessions go in it.
  struct Rendering {
    struct Place {
      std::size_t offset = 0;
      Composition::Origin origin;
      ds1::Mode mode = ds1::Mode::off;
    };
    documents::Transformations what;
    bool secure = false;
    SharedText text;
    std::vector<Place> places;  ///< By rising offset.
    ShownPtr shown;
    WallTime next = WallTime::max();  ///< When time alone makes another document of it.
  };
  /// Kept while somebody asks.
  struct Rendered final : Part {
    std::vector<Rendering> renderings;  ///< Of the state as it is.
    std::uint64_t shown = 0;            ///< `shown_bindings` in them.
    bool on_the_phone = false;          ///< In them.
    WallTime next = WallTime::max();    ///< When time alone changes them; the same for all.
    std::unique_ptr<Timer> timer;       ///< Made when there is such a time.
  };

  /// Is anything known of the presentity, shown or not?
  bool has_state(const Entry& presentity) const;
  std::vector<Source> sources(const Entry& presentity) const;
  std::uint64_t shown_bindings(const Entry& presentity) const;
  bool is_on_the_phone(const Entry& presentity) const;
  Rendering draw(const Entry& presentity, const documents::Transformations& what, bool secure) const;
  void arm(Entry& presentity, Rendered& rendered);
  const Rendering& rendering(Entry& presentity, const documents::Transformations& what, bool secure);
  Drawing fill(const Entry& presentity, const Rendering& shared, const std::string& watcher);
  DirectOffer* find_offer(const Entry& presentity, const Composition::Origin& origin) const;
  void changed(Entry& presentity, Now now, std::optional<Time> published = {});

  Environment& environment_;
  publication::Publications& publications_;
  const registrar::Registrar& registrar_;
  OnChange on_change_;
  const HardState* hard_state_ = nullptr;
  const Calls* calls_ = nullptr;
  Slot<Rendered> slot_;
};

}  // namespace beckon::server::presence
