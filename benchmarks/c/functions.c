/* Value and gradient by hand: the limit of what a compiler of derivatives can reach. Built by by_hand.py. */
#include <math.h>
#include <stdlib.h>

double rosenbrock(const double *x, double *g, int n)
{
    double total = 0.0;
    for (int i = 0; i < n; i++) g[i] = 0.0;
    for (int i = 0; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        total += 100.0 * (a * a) + b * b;
        g[i] += -400.0 * a * x[i] - 2.0 * b;
        g[i + 1] += 200.0 * a;
    }
    return total;
}

double rosenbrock_hessian(const double *x, double *h, int n)
{
    for (int i = 0; i < n * n; i++) h[i] = 0.0;
    for (int i = 0; i < n - 1; i++) {
        h[i * n + i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0;
        h[i * n + i + 1] = h[(i + 1) * n + i] = -400.0 * x[i];
        h[(i + 1) * n + i + 1] += 200.0;
    }
    return 0.0;
}

/* The adjoint of 200 steps of Runge and Kutta: the states are kept, and the stages computed again. */
static void slopes(const double *p, double a, double s, double h, double A[4], double S[4])
{
    const double w[4] = {0.0, 0.5, 0.5, 1.0};
    double da = 0.0, ds = 0.0;
    for (int i = 0; i < 4; i++) {
        A[i] = a + w[i] * h * da;
        S[i] = s + w[i] * h * ds;
        da = S[i];
        ds = -9.81 / p[0] * sin(A[i]) - p[1] * S[i];
    }
}

double pendulum(const double *p, double *g, int n)
{
    enum { STEPS = 200 };
    static double a[STEPS + 1], s[STEPS + 1];
    const double h = 0.01, w[4] = {0.0, 0.5, 0.5, 1.0}, v[4] = {1.0, 2.0, 2.0, 1.0};
    double A[4], S[4], k = 9.81 / p[0], bk = 0.0, bd = 0.0, ba = 1.0, bs = 0.0;
    (void)n;
    a[0] = p[2], s[0] = p[3];
    for (int t = 0; t < STEPS; t++) {
        double da = 0.0, ds = 0.0;
        slopes(p, a[t], s[t], h, A, S);
        for (int i = 0; i < 4; i++) {
            da += v[i] * S[i];
            ds += v[i] * (-k * sin(A[i]) - p[1] * S[i]);
        }
        a[t + 1] = a[t] + h / 6.0 * da;
        s[t + 1] = s[t] + h / 6.0 * ds;
    }
    for (int t = STEPS - 1; t >= 0; t--) {
        double bda[4], bds[4], na = ba, ns = bs;
        slopes(p, a[t], s[t], h, A, S);
        for (int i = 0; i < 4; i++) bda[i] = h / 6.0 * v[i] * ba, bds[i] = h / 6.0 * v[i] * bs;
        for (int i = 3; i >= 0; i--) {
            double bA = -k * cos(A[i]) * bds[i], bS = bda[i] - p[1] * bds[i];
            bk -= sin(A[i]) * bds[i];
            bd -= S[i] * bds[i];
            na += bA, ns += bS;
            if (i) bda[i - 1] += w[i] * h * bA, bds[i - 1] += w[i] * h * bS;
        }
        ba = na, bs = ns;
    }
    g[0] = bk * -9.81 / (p[0] * p[0]), g[1] = bd, g[2] = ba, g[3] = bs;
    return a[STEPS];
}

double black_scholes(const double *p, double *g, int n)
{
    double s = p[0], k = p[1], r = p[2], v = p[3], t = p[4], root = v * sqrt(t);
    double d1 = (log(s / k) + (r + v * v / 2.0) * t) / root, d2 = d1 - root;
    double n1 = 0.5 * (1.0 + erf(d1 * M_SQRT1_2)), n2 = 0.5 * (1.0 + erf(d2 * M_SQRT1_2));
    double discount = exp(-r * t), density = exp(-d1 * d1 / 2.0) / sqrt(2.0 * M_PI);
    (void)n;
    g[0] = n1;
    g[1] = -discount * n2;
    g[2] = k * t * discount * n2;
    g[3] = s * density * sqrt(t);
    g[4] = s * density * v / (2.0 * sqrt(t)) + r * k * discount * n2;
    return s * n1 - k * discount * n2;
}

/* Rows: columns of operands of one length, then columns of results. */
double black_scholes_rows(const double *x, double *y, int n)
{
    for (int i = 0; i < n; i++) {
        double p[5], g[5];
        for (int j = 0; j < 5; j++) p[j] = x[(size_t)j * n + i];
        y[i] = black_scholes(p, g, 0);
        for (int j = 0; j < 5; j++) y[(size_t)(j + 1) * n + i] = g[j];
    }
    return 0.0;
}

/* MLP 2-16-16-1 with ReLU and the squared error on n samples, whose rows x0, x1, y stand behind the weights. */
double mlp(const double *w, double *g, int n)
{
    enum { A = 2, H = 16, N1 = H * (A + 1), N2 = H * (H + 1), N = N1 + N2 + H + 1 };
    const double *w1 = w, *w2 = w + N1, *w3 = w + N1 + N2, *data = w + N;
    double *g1 = g, *g2 = g + N1, *g3 = g + N1 + N2, total = 0.0;
    for (int i = 0; i < N; i++) g[i] = 0.0;
    for (int k = 0; k < n; k++) {
        const double *x = data + 3 * k;
        double h1[H], h2[H], b1[H] = {0}, b2[H], out = w3[H];
        for (int i = 0; i < H; i++) {
            double z = w1[i * (A + 1) + A];
            for (int j = 0; j < A; j++) z += w1[i * (A + 1) + j] * x[j];
            h1[i] = z > 0.0 ? z : 0.0;
        }
        for (int i = 0; i < H; i++) {
            double z = w2[i * (H + 1) + H];
            for (int j = 0; j < H; j++) z += w2[i * (H + 1) + j] * h1[j];
            h2[i] = z > 0.0 ? z : 0.0;
            out += w3[i] * h2[i];
        }
        double difference = out - x[2], b = 2.0 * difference;
        total += difference * difference;
        for (int i = 0; i < H; i++) {
            g3[i] += b * h2[i];
            b2[i] = h2[i] > 0.0 ? b * w3[i] : 0.0;
            for (int j = 0; j < H; j++) {
                g2[i * (H + 1) + j] += b2[i] * h1[j];
                b1[j] += b2[i] * w2[i * (H + 1) + j];
            }
            g2[i * (H + 1) + H] += b2[i];
        }
        g3[H] += b;
        for (int i = 0; i < H; i++) {
            double own = h1[i] > 0.0 ? b1[i] : 0.0;
            for (int j = 0; j < A; j++) g1[i * (A + 1) + j] += own * x[j];
            g1[i * (A + 1) + A] += own;
        }
    }
    return total;
}
