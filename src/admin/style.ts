/** Style of the admin page. */
export const STYLE = ``
