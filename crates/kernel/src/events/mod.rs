//! Events: eventfd, timerfd, signalfd, epoll, poll and select.
//!
//! Whatever can become ready owns a [`crate::wait::WaitQueue`]. A thread in `poll` enters itself in all
//! queues of its descriptors; an [`epoll`] set observes the queues of its members for good and keeps a
//! list of those that reported something.

pub mod asynchronous;
pub mod epoll;
pub mod eventfd;
pub mod inotify;
pub mod pidfd;
pub mod poll;
pub mod signalfd;
pub mod timerfd;
