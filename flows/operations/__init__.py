"""What keeps studies running without anybody: servers, deployments, watches."""
