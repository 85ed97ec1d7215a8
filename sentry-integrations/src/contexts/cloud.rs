//! The cloud the program runs in, as far as its environment variables tell. No metadata server is asked.
//!
//! The names are those of OpenTelemetry's resource conventions.

use sentry_core::options::env_text;
use sentry_core::protocol::{Context, Map};

/// A platform: the variables that are all set there, what it is called, and where it says the rest.
struct Platform {
    signs: &'static [&'static str],
    constants: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
}

/// The first that fits counts.
const PLATFORMS: [Platform; 11] = [
    Platform {
        signs: &["AWS_LAMBDA_FUNCTION_NAME"],
        constants: &[("cloud.provider", "aws"), ("cloud.platform", "aws_lambda")],
        variables: &[
            ("cloud.region", "AWS_REGION"),
            ("faas.name", "AWS_LAMBDA_FUNCTION_NAME"),
            ("faas.version", "AWS_LAMBDA_FUNCTION_VERSION"),
        ],
    },
    Platform {
        signs: &["ECS_CONTAINER_METADATA_URI_V4"],
        constants: &[("cloud.provider", "aws"), ("cloud.platform", "aws_ecs")],
        variables: &[("cloud.region", "AWS_REGION")],
    },
    Platform {
        signs: &["FUNCTION_TARGET", "K_SERVICE"],
        constants: &[("cloud.provider", "gcp"), ("cloud.platform", "gcp_cloud_functions")],
        variables: &[("faas.name", "K_SERVICE"), ("faas.version", "K_REVISION")],
    },
    Platform {
        signs: &["CLOUD_RUN_JOB"],
        constants: &[("cloud.provider", "gcp"), ("cloud.platform", "gcp_cloud_run")],
        variables: &[("faas.name", "CLOUD_RUN_JOB"), ("gcp.cloud_run.job.execution", "CLOUD_RUN_EXECUTION")],
    },
    Platform {
        signs: &["GAE_SERVICE"],
        constants: &[("cloud.provider", "gcp"), ("cloud.platform", "gcp_app_engine")],
        variables: &[
            ("cloud.account.id", "GOOGLE_CLOUD_PROJECT"),
            ("faas.name", "GAE_SERVICE"),
            ("faas.version", "GAE_VERSION"),
            ("faas.instance", "GAE_INSTANCE"),
        ],
    },
    // Cloud Run, or Knative anywhere else: which one, only the metadata server knows.
    Platform {
        signs: &["K_SERVICE", "K_REVISION"],
        constants: &[],
        variables: &[("faas.name", "K_SERVICE"), ("faas.version", "K_REVISION")],
    },
    Platform {
        signs: &["CONTAINER_APP_NAME"],
        constants: &[("cloud.provider", "azure"), ("cloud.platform", "azure.container_apps")],
        variables: &[
            ("service.name", "CONTAINER_APP_NAME"),
            ("service.version", "CONTAINER_APP_REVISION"),
            ("service.instance.id", "CONTAINER_APP_REPLICA_NAME"),
        ],
    },
    Platform {
        signs: &["FUNCTIONS_WORKER_RUNTIME", "WEBSITE_SITE_NAME"],
        constants: &[("cloud.provider", "azure"), ("cloud.platform", "azure.functions")],
        variables: &[
            ("cloud.region", "REGION_NAME"),
            ("faas.name", "WEBSITE_SITE_NAME"),
            ("faas.instance", "WEBSITE_INSTANCE_ID"),
        ],
    },
    Platform {
        signs: &["WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID"],
        constants: &[("cloud.provider", "azure"), ("cloud.platform", "azure.app_service")],
        variables: &[
            ("cloud.region", "REGION_NAME"),
            ("service.name", "WEBSITE_SITE_NAME"),
            ("service.instance.id", "WEBSITE_INSTANCE_ID"),
        ],
    },
    Platform {
        signs: &["DYNO"],
        constants: &[("cloud.provider", "heroku")],
        variables: &[
            ("heroku.app.id", "HEROKU_APP_ID"),
            ("service.name", "HEROKU_APP_NAME"),
            ("service.version", "HEROKU_RELEASE_VERSION"),
            ("service.instance.id", "DYNO"),
        ],
    },
    Platform {
        signs: &["FLY_APP_NAME", "FLY_MACHINE_ID"],
        constants: &[("cloud.provider", "fly_io")],
        variables: &[
            ("cloud.region", "FLY_REGION"),
            ("service.name", "FLY_APP_NAME"),
            ("service.instance.id", "FLY_MACHINE_ID"),
        ],
    },
];

pub(super) fn context() -> Option<Context> {
    detect(&env_text)
}

fn detect(variable: &dyn Fn(&str) -> Option<String>) -> Option<Context> {
    let fits = |platform: &&Platform| platform.signs.iter().all(|sign| variable(sign).is_some());
    let platform = PLATFORMS.iter().find(fits)?;
    let constants = platform.constants.iter().map(|(key, value)| ((*key).to_owned(), (*value).into()));
    let told =
        platform.variables.iter().filter_map(|(key, name)| Some(((*key).to_owned(), variable(name)?.into())));
    Some(Context::Other(constants.chain(told).collect::<Map<_, _>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys and values that were found, side by side.
    fn detected(variables: &[(&str, &str)]) -> Option<String> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let Context::Other(fields) = detect(&variable)? else { panic!("a custom context") };
        let field = |(key, value): (String, sentry_core::protocol::Value)| {
            format!("{key}={}", value.as_str().unwrap())
        };
        Some(fields.into_iter().map(field).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_platform_is_known_by_its_variables() {
        let lambda = detected(&[("AWS_LAMBDA_FUNCTION_NAME", "resize"), ("AWS_REGION", "eu-north-1")]);
        let expected =
            "cloud.platform=aws_lambda cloud.provider=aws cloud.region=eu-north-1 faas.name=resize";
        assert_eq!(lambda.as_deref(), Some(expected));
        let app = detected(&[("WEBSITE_SITE_NAME", "shop"), ("WEBSITE_INSTANCE_ID", "0a")]);
        assert!(app.unwrap().starts_with("cloud.platform=azure.app_service cloud.provider=azure"));
    }

    #[test]
    fn what_may_be_any_cloud_names_none() {
        let service = detected(&[("K_SERVICE", "shop"), ("K_REVISION", "shop-7")]);
        assert_eq!(service.as_deref(), Some("faas.name=shop faas.version=shop-7"));
        let function = detected(&[("K_SERVICE", "shop"), ("FUNCTION_TARGET", "handle")]);
        assert!(function.unwrap().starts_with("cloud.platform=gcp_cloud_functions"));
    }

    #[test]
    fn a_machine_of_ones_own_is_no_cloud() {
        assert_eq!(detected(&[("AWS_REGION", "eu-north-1"), ("HOSTNAME", "x")]), None);
    }
}
