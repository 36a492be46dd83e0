declare module "file-url:*" {
  const url: string;
  export default url;
}

declare module "*.css";
