import { mount } from 'svelte';
import App from './App.svelte';
import './page.css';

mount(App, { target: document.getElementById('page')! });

// The page opens without a network once it was opened with one; what it takes is kept on the machine until it is handed in.
if (import.meta.env.PROD && 'serviceWorker' in navigator) void navigator.serviceWorker.register('/offline.js');
