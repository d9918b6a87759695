#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/event/compositor.hpp"
#include "server/presence/policy.hpp"
#include "server/presence/publication.hpp"
#include "server/registrar/binding.hpp"

namespace beckon::server::presence {

/// A device's name for the rest of this room: its +sip.instance, else its contact.
std::string device_of(const registrar::Binding& binding);

/// One presentity: what its devices published, and the one state made of it (DESIGN 6). Rendered once for
/// each class of watchers and version.
class Presentity {
 public:
  Presentity(std::string aor, event::Compositor compositor)
      : aor_(std::move(aor)), compositor_(std::move(compositor)) {}

  const std::string& aor() const { return aor_; }
  const event::Compositor& compositor() const { return compositor_; }
  /// Rises with every change of what somebody may see.
  std::uint64_t version() const { return version_; }
  const std::map<std::string, Publication>& publications() const { return publications_; }

  /// A committed change: `next` is the new set; `publication` stands for `id` (absent: unchanged or removed).
  void apply(event::Compositor next, const std::string& id, std::optional<Publication> publication);
  /// A committed refresh: lifetimes and entity-tags only, nothing to see.
  void apply_refresh(event::Compositor next) { compositor_ = std::move(next); }
  /// The device refreshed over `flow`: its offers live there now.
  void move_flow(const std::string& id, transaction::FlowId flow);
  /// Removes all <direct> that lived on that connection; their devices must publish them anew. True if
  /// watchers are to be told.
  bool on_flow_closed(transaction::FlowId flow);
  /// Ids that ran out.
  std::vector<std::string> expire(Time now);
  /// Called with all bindings after each of their changes. True if watchers are to be told.
  bool on_bindings_changed(const std::vector<registrar::Binding>& bindings);
  void restore(event::Publication record, Publication publication);

  /// The document for watchers who may see `what` of this presentity. `secure`: their next hop is
  /// encrypted, so <direct> may stay, with its grants (DIRECT_SESSIONS 3.5).
  SharedText render(const documents::Transformations& what, bool secure, const std::string& watcher,
                    Random& random);
  /// The state before any filter: for tables.
  documents::Presence compose() const;
  void each_grant_holder(const std::function<void(const std::string&)>& visit) const;
  /// Nothing is left that a new object would not know.
  bool idle() const { return compositor_.empty() && published_.empty(); }

 private:
  struct Origin {
    std::string publication;
    std::string tuple;  ///< As published.
  };
  struct Rendering {
    documents::Transformations what;
    bool secure;
    SharedText text;
    struct Place {
      std::size_t offset;
      Origin origin;
      ds1::Mode mode;
    };
    std::vector<Place> places;  ///< Where grants go, by rising offset.
  };
  using Origins = std::map<std::string, Origin>;  ///< By tuple id in the document.

  void changed();
  void trim_published();
  bool is_published(const std::string& device) const;
  documents::Presence compose(Origins& origins) const;
  void unite(documents::Presence& all, const event::Publication& from, Origins& origins) const;
  void add_bindings(documents::Presence& all) const;
  const Rendering& rendering(const documents::Transformations& what, bool secure);
  Rendering draw(const documents::Transformations& what, bool secure) const;
  DirectOffer* offer(const Origin& origin);

  std::string aor_;
  event::Compositor compositor_;
  std::map<std::string, Publication> publications_;  ///< By event::Publication::id.
  std::vector<registrar::Binding> bindings_;
  std::set<std::string> published_;  ///< Devices that published since they registered.
  std::uint64_t version_ = 1;
  std::vector<Rendering> renderings_;  ///< Of this version.
};

}  // namespace beckon::server::presence
