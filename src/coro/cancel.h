// Cancellation: asked for by a source, felt by the operations that wait under it. Cancelling is level-triggered (an
// operation begun under a cancelled source ends at once), idempotent, and never runs a coroutine on the spot: waiters
// are posted. Thread: one loop. Lifetime: a source outlives what waits under it.
#pragma once
#include <cstdint>

#include "base/error.h"

namespace vg::coro {

/// A place in a source's list: what is told when it is cancelled. An awaiter has one as a member.
class CancelNode {
 public:
  using Callback = void (*)(CancelNode*);
  explicit CancelNode(Callback on_cancel) : on_cancel_(on_cancel) {}
  CancelNode(const CancelNode&) = delete;
  CancelNode& operator=(const CancelNode&) = delete;
  ~CancelNode() { unlink(); }
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }
  bool linked() const { return next_ != nullptr; }

 private:
  friend class CancelSource;
  CancelNode* prev_ = nullptr;
  CancelNode* next_ = nullptr;
  Callback on_cancel_;
};

class CancelSource {
 public:
  CancelSource() : head_(nullptr), up_(this) { reset_list(); }
  /// Is cancelled when `parent` (may be null) is, with the same reason.
  explicit CancelSource(CancelSource* parent) : CancelSource() { attach(parent); }
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;
  ~CancelSource() { head_.next_ = head_.prev_ = nullptr; }

  void attach(CancelSource* parent) {
    if (parent == nullptr) return;
    if (parent->cancelled()) return cancel(parent->reason());
    up_.parent = parent;
    parent->add(up_);
  }
  bool cancelled() const { return reason_ != ErrorKind::kNone; }
  /// Why: kTimeout, kCancelled (nobody waits any more), …; kNone while it is not cancelled.
  ErrorKind reason() const { return reason_; }
  /// Tells all that wait under it; the first reason stays.
  void cancel(ErrorKind reason) {
    if (cancelled()) return;
    reason_ = reason;
    while (head_.next_ != &head_) {
      CancelNode* node = head_.next_;
      node->unlink();
      node->on_cancel_(node);
    }
  }
  /// Precondition: not cancelled.
  void add(CancelNode& node) {
    node.next_ = &head_;
    node.prev_ = head_.prev_;
    head_.prev_->next_ = &node;
    head_.prev_ = &node;
  }
  /// For pooled owners: as new. Precondition: nothing waits under it.
  void reset() {
    up_.unlink();
    reason_ = ErrorKind::kNone;
    reset_list();
  }

 private:
  struct ParentLink : CancelNode {
    explicit ParentLink(CancelSource* owner) : CancelNode(&on_parent), self(owner) {}
    static void on_parent(CancelNode* node) {
      auto* link = static_cast<ParentLink*>(node);
      link->self->cancel(link->parent->reason());
    }
    CancelSource* self;
    CancelSource* parent = nullptr;
  };
  void reset_list() { head_.next_ = head_.prev_ = &head_; }

  ErrorKind reason_ = ErrorKind::kNone;
  CancelNode head_;
  ParentLink up_;
};

}  // namespace vg::coro
