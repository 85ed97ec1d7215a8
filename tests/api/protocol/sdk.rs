//! What the SDK says of itself.

use std::fmt::Debug;

use sentry::protocol::{ClientSdkInfo, ClientSdkPackage};

all_fields!(ClientSdkInfo {
    integrations: Vec<String>,
    name: String,
    packages: Vec<ClientSdkPackage>,
    version: String,
});
implements!(ClientSdkInfo: Clone + Debug + PartialEq);
wire!(ClientSdkInfo);

all_fields!(ClientSdkPackage { name: String, version: String });
implements!(ClientSdkPackage: Clone + Debug + PartialEq);
wire!(ClientSdkPackage);
